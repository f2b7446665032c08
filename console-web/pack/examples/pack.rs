//! Packs a built console by hand: `cargo run -p console-pack --example pack -- MODULE OUT_DIR`,
//! from the workspace's root. For work on the console; the build proper goes through xtask.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, out_dir] = &arguments[..] else {
        eprintln!("usage: pack MODULE OUT_DIR");
        return ExitCode::FAILURE;
    };
    let console_dir = Path::new("console-web");
    let packed = console_pack::fetch_packages(console_dir)
        .and_then(|()| console_pack::pack(Path::new(module), console_dir, Path::new(out_dir)));
    match packed {
        Ok(manifest) => {
            for asset in &manifest.assets {
                println!("{:>9} {:>9}  {}", asset.plain_bytes, asset.served_bytes, asset.path);
            }
            println!("{:>9} {:>9}  all", "", manifest.served_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
