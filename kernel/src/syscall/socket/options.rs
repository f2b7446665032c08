//! `setsockopt` and `getsockopt`.

use linux_abi::socket::{level, option};
use linux_abi::{Arguments, Errno};

use super::socket_of;
use crate::socket::{OptionValue, Socket};
use crate::syscall::{Answer, Caller, file, user};

pub(in crate::syscall) fn setsockopt(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    /// Longer than any option that is known.
    const MOST: usize = 256;
    let file = file::file(caller, arguments.int(0))?;
    let socket = socket_of(&file)?;
    let length = usize::try_from(arguments.int(4)).map_err(|_| Errno::EINVAL)?.min(MOST);
    let mut value = [0; MOST];
    let value = &mut value[..length];
    hal::user::copy_from(arguments.word(3), value).map_err(|_| Errno::EFAULT)?;
    let (at_level, name) = (arguments.int(1), arguments.int(2));
    if at_level == level::SOCKET {
        match name {
            option::TYPE
            | option::ERROR
            | option::PEERCRED
            | option::ACCEPTCONN
            | option::PROTOCOL
            | option::DOMAIN => return Err(Errno::ENOPROTOOPT),
            _ => {}
        }
        if socket.options().set(name, value)? {
            // The family may have to do something about it, or not know it.
            return match socket.set_option(at_level, name, value) {
                Ok(()) | Err(Errno::ENOPROTOOPT) => Ok(0),
                Err(error) => Err(error),
            };
        }
    }
    socket.set_option(at_level, name, value)?;
    Ok(0)
}

pub(in crate::syscall) fn getsockopt(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    let socket = socket_of(&file)?;
    let room = i32::from_le_bytes(user::read(arguments.pointer(4))?);
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    let value = match arguments.int(1) {
        level::SOCKET => common(socket, arguments.int(2))?,
        other => socket.option(other, arguments.int(2))?,
    };
    let count = value.as_bytes().len().min(room);
    user::write(arguments.pointer(3), &value.as_bytes()[..count])?;
    user::write(arguments.pointer(4), &u32::try_from(count).unwrap_or(0).to_le_bytes())?;
    Ok(0)
}

fn common(socket: &dyn Socket, name: i32) -> Result<OptionValue, Errno> {
    Ok(match name {
        option::TYPE => OptionValue::int(socket.kind().number()),
        option::DOMAIN => OptionValue::int(i32::from(socket.family())),
        option::PROTOCOL => OptionValue::int(socket.protocol()),
        option::ACCEPTCONN => OptionValue::int(socket.is_listening().into()),
        option::ERROR => {
            let error = socket.take_error().map_or(0, Errno::number);
            OptionValue::int(i32::from(error))
        }
        option::PEERCRED => OptionValue::bytes(&socket.peer_credentials().to_bytes()),
        name => match socket.options().get(name) {
            Some(value) => value,
            None => socket.option(level::SOCKET, name)?,
        },
    })
}
