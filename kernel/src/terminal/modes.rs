//! `ioctl` of both sides: modes, sizes, and what concerns the session.

use hal::user::{copy_from, copy_to};
use linux_abi::Errno;
use linux_abi::layout::{Termios, Termios2, WinSize};
use vfs_core::{Modes, WindowSize};

use super::job::{Asker, Wish};
use super::pair::Pair;

pub(super) const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;
const TCSETSW: u32 = 0x5403;
const TCSETSF: u32 = 0x5404;
const TCSBRK: u32 = 0x5409;
const TCXONC: u32 = 0x540a;
const TCFLSH: u32 = 0x540b;
const TIOCSCTTY: u32 = 0x540e;
pub(super) const TIOCGPGRP: u32 = 0x540f;
const TIOCSPGRP: u32 = 0x5410;
const TIOCOUTQ: u32 = 0x5411;
const TIOCSTI: u32 = 0x5412;
const TIOCGWINSZ: u32 = 0x5413;
const TIOCSWINSZ: u32 = 0x5414;
pub(super) const FIONREAD: u32 = 0x541b;
const TIOCNOTTY: u32 = 0x5422;
const TCSBRKP: u32 = 0x5425;
const TIOCGSID: u32 = 0x5429;
const TCGETS2: u32 = 0x802c_542a;
const TCSETS2: u32 = 0x402c_542b;
const TCSETSW2: u32 = 0x402c_542c;
const TCSETSF2: u32 = 0x402c_542d;

pub(super) fn give(at: u64, bytes: &[u8]) -> Result<u64, Errno> {
    copy_to(at, bytes).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}

pub(super) fn fetch<const N: usize>(at: u64) -> Result<[u8; N], Errno> {
    let mut bytes = [0; N];
    copy_from(at, &mut bytes).map_err(|_| Errno::EFAULT)?;
    Ok(bytes)
}

/// A count as `int`.
pub(super) fn give_count(at: u64, count: usize) -> Result<u64, Errno> {
    give(at, &i32::try_from(count).unwrap_or(i32::MAX).to_le_bytes())
}

impl Pair {
    /// What both sides can be asked for.
    pub(super) fn common_ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            TCGETS => give(argument, &self.termios().to_bytes()),
            TCSETS | TCSETSW | TCSETSF => {
                let termios = Termios::from_bytes(&fetch(argument)?);
                // What is written is shown at once, so there is nothing to be waited for.
                self.set_termios(&termios, request == TCSETSF);
                Ok(0)
            }
            TCGETS2 => {
                let termios = self.termios();
                let speed = if termios.has_other_speed() {
                    self.state.lock().other_speed
                } else {
                    termios.speed()
                };
                let all = Termios2 { termios, input_speed: speed, output_speed: speed };
                give(argument, &all.to_bytes())
            }
            TCSETS2 | TCSETSW2 | TCSETSF2 => {
                let all = Termios2::from_bytes(&fetch(argument)?);
                self.state.lock().other_speed = all.output_speed;
                self.set_termios(&all.termios, request == TCSETSF2);
                Ok(0)
            }
            TIOCGWINSZ => {
                let window = self.state.lock().terminal.window;
                let size = WinSize {
                    rows: window.rows,
                    columns: window.columns,
                    x_pixels: window.x_pixels,
                    y_pixels: window.y_pixels,
                };
                give(argument, &size.to_bytes())
            }
            TIOCSWINSZ => {
                let size = WinSize::from_bytes(&fetch(argument)?);
                self.resize(WindowSize {
                    rows: size.rows,
                    columns: size.columns,
                    x_pixels: size.x_pixels,
                    y_pixels: size.y_pixels,
                });
                Ok(0)
            }
            TCSBRK | TCSBRKP => Ok(0),
            TCFLSH => {
                {
                    let mut state = self.state.lock();
                    match argument {
                        0 => state.terminal.flush_input(),
                        1 => state.terminal.flush_output(),
                        2 => {
                            state.terminal.flush_input();
                            state.terminal.flush_output();
                        }
                        _ => return Err(Errno::EINVAL),
                    }
                }
                self.notify_all();
                Ok(0)
            }
            TIOCGSID => {
                let session = self.state.lock().session.ok_or(Errno::ENOTTY)?;
                give(argument, &session.number().to_le_bytes())
            }
            // Input that its reader did not type is a way to other users' rights: refused, as by
            // Linux without CONFIG_LEGACY_TIOCSTI.
            TIOCSTI => Err(Errno::EIO),
            _ => Err(Errno::ENOTTY),
        }
    }

    /// What the programs' side can be asked for.
    pub(super) fn slave_ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        let changes_modes =
            matches!(request, TCSETS | TCSETSW | TCSETSF | TCSETS2 | TCSETSW2 | TCSETSF2);
        if changes_modes || matches!(request, TCFLSH | TCSBRK | TCSBRKP | TCXONC) {
            self.check_foreground(Wish::Change)?;
        }
        match request {
            TIOCSCTTY => self.take(argument == 1).map(|()| 0),
            TIOCNOTTY => self.give_up().map(|()| 0),
            TIOCGPGRP => {
                let asker = Asker::current().ok_or(Errno::ENOTTY)?;
                if !self.controls(asker) {
                    return Err(Errno::ENOTTY);
                }
                self.give_foreground(argument)
            }
            TIOCSPGRP => self.set_foreground(i32::from_le_bytes(fetch(argument)?)).map(|()| 0),
            TIOCOUTQ => give_count(argument, self.state.lock().terminal.shown()),
            FIONREAD => give_count(argument, self.state.lock().terminal.readable()),
            TCXONC => {
                match argument {
                    0 => self.state.lock().terminal.set_stopped(true),
                    1 => self.state.lock().terminal.set_stopped(false),
                    // To the other side only bytes could tell, and it is no modem.
                    2 | 3 => {}
                    _ => return Err(Errno::EINVAL),
                }
                self.notify_all();
                Ok(0)
            }
            _ => self.common_ioctl(request, argument),
        }
    }

    pub(super) fn give_foreground(&self, at: u64) -> Result<u64, Errno> {
        let foreground = self.state.lock().foreground.map_or(0, |group| group.number());
        give(at, &foreground.to_le_bytes())
    }

    fn termios(&self) -> Termios {
        let modes = *self.state.lock().terminal.modes();
        Termios {
            input: modes.input,
            output: modes.output,
            control: modes.control,
            local: modes.local,
            line: modes.line,
            characters: modes.characters,
        }
    }

    fn set_termios(&self, termios: &Termios, forgets_input: bool) {
        {
            let mut state = self.state.lock();
            if forgets_input {
                state.terminal.flush_input();
            }
            state.terminal.set_modes(Modes {
                input: termios.input,
                output: termios.output,
                control: termios.control,
                local: termios.local,
                line: termios.line,
                characters: termios.characters,
            });
        }
        self.notify_all();
    }
}
