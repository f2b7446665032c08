//! What `cargo xtask help` prints.

/// All commands and their options.
pub const ALL: &str = "\
cargo xtask COMMAND

  setup         find what the commands need and install what is missing (Debian: with apt)
  build         make target/multios/multios.elf (kernel with the console inside) and initrd.cpio
  run           set up, build, boot in QEMU, print the console's link, show the serial console
  test [NAME]   everything, or one part; `cargo xtask test --list` names the parts;
                `cargo xtask test abi WORD...` runs the compared programs whose names hold a word
  tidy          the rules that no compiler checks: dependency directions, unsafe, file lengths
  bench         the benchmarks, beside a Linux guest made on the spot
  mock          the console and the API on this host, over a backend that makes its figures up
  help          this

build, run, test, bench: with MULTIOS_CONSOLE_DIR=FOLDER set, the console packed there is taken and none is built.

run:
  --cpus N                 CPUs (4)
  --memory MIB             memory (512)
  --port P                 port of 127.0.0.1 that leads to the guest (8080; 0 picks a free one)
  --forward HOST:GUEST     another port of 127.0.0.1 and the guest's port that it leads to; one number
                           for both (repeatable)
  --token T                the first API token (one is made at random)
  --disk FILE              a raw disk image that keeps changes of services; made if there is none
  --accel auto|tcg|kvm     auto takes KVM if a guest really runs under it
  --initrd-add HOST=GUEST  put a host file or folder into the image (repeatable)
  --append 'OPTIONS'       more kernel options
  --gdb                    wait for a debugger on 127.0.0.1:1234
  -- ARGUMENTS             more QEMU arguments

bench:
  --json FILE              write the figures as JSON, too
  --quick                  one short round
  --only NAME,NAME...      only these groups of lines; `--list` names them
  --profile WHAT           where the kernel spends its time: idle, http, or a word of the measured
                           program (tests/programs/bench), such as null_call

mock:
  --port P                 port of 127.0.0.1 (8081; 0 picks a free one)
  --token T                the API token (one is made at random)
";
