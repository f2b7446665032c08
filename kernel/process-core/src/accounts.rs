//! Users by name: passwd(5) and group(5), read as bytes that anyone may have written.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::credentials::{Credentials, Gid, Uid};

/// A user, as a process is to be started in whose name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The user.
    pub uid: Uid,
    /// The first group.
    pub gid: Gid,
    /// The groups that list the user as a member.
    pub groups: Vec<Gid>,
}

impl Account {
    /// The credentials of a process of this user.
    pub fn credentials(&self) -> Credentials {
        Credentials::for_user(self.uid, self.gid, Arc::from(self.groups.as_slice()))
    }
}

/// The fields of a line.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b':')
}

/// A number as it is written: ids end below the one that means "none".
fn number(text: &[u8]) -> Option<u32> {
    let is_plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = core::str::from_utf8(text).ok().filter(|_| is_plain)?;
    text.parse().ok().filter(|number| *number != u32::MAX)
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n')
}

/// Finds the user that a text names: `NAME`, `UID`, or either with `:GID` or `:GROUP`. `passwd` and
/// `group` are those files' contents. A number needs no line; without one its group has the same
/// number.
pub fn find_account(passwd: &[u8], group: &[u8], text: &[u8]) -> Option<Account> {
    let (who, wanted_group) = match text.iter().position(|byte| *byte == b':') {
        Some(colon) => (text.get(..colon)?, Some(text.get(colon + 1..)?)),
        None => (text, None),
    };
    if who.is_empty() {
        return None;
    }
    let known = lines(passwd).find_map(|line| {
        let mut fields = fields(line);
        let name = fields.next()?;
        let uid = number(fields.nth(1)?)?;
        let gid = number(fields.next()?)?;
        (name == who || number(who) == Some(uid)).then_some((name, uid, gid))
    });
    let (name, uid, gid) = match known {
        Some((name, uid, gid)) => (Some(name), uid, gid),
        None => (None, number(who)?, number(who)?),
    };
    let gid = match wanted_group {
        None => gid,
        Some(wanted) => match number(wanted) {
            Some(gid) => gid,
            None => lines(group).find_map(|line| {
                let mut fields = fields(line);
                (fields.next()? == wanted).then(|| number(fields.nth(1)?))?
            })?,
        },
    };
    let mut groups = Vec::new();
    for line in lines(group) {
        let mut fields = fields(line);
        let gid = fields.nth(2).and_then(number);
        let members = fields.next().unwrap_or_default();
        let is_member = name.is_some_and(|name| {
            !name.is_empty() && members.split(|byte| *byte == b',').any(|member| member == name)
        });
        if let Some(gid) = gid.filter(|_| is_member) {
            groups.push(Gid(gid));
        }
    }
    Some(Account { uid: Uid(uid), gid: Gid(gid), groups })
}

/// The users' names, with their numbers, as they stand in `passwd`, that file's contents. Of several
/// lines with one number the first counts.
pub fn account_names(passwd: &[u8]) -> impl Iterator<Item = (Uid, &[u8])> {
    lines(passwd).filter_map(|line| {
        let mut fields = fields(line);
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some((Uid(number(fields.nth(1)?)?), name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nbroken\nwww:x:33:34:::\n:x:7:7\n";
    const GROUP: &[u8] = b"root:x:0:\nwww:x:34:\nlog:x:40:www,root\nbad:x:y:www\n";

    fn find(text: &str) -> Option<(u32, u32, Vec<u32>)> {
        let found = find_account(PASSWD, GROUP, text.as_bytes())?;
        Some((found.uid.0, found.gid.0, found.groups.iter().map(|group| group.0).collect()))
    }

    #[test]
    fn users_are_found_by_name_and_by_number() {
        assert_eq!(find("root"), Some((0, 0, Vec::from([40]))));
        assert_eq!(find("www"), Some((33, 34, Vec::from([40]))));
        assert_eq!(find("33"), Some((33, 34, Vec::from([40]))));
        assert_eq!(find("www:7"), Some((33, 7, Vec::from([40]))));
        assert_eq!(find("1000:log"), Some((1000, 40, Vec::new())));
        assert_eq!(find("1000"), Some((1000, 1000, Vec::new())));
    }

    #[test]
    fn names_are_read_from_whole_lines() {
        let names: Vec<(Uid, &[u8])> = account_names(PASSWD).collect();
        assert_eq!(names, [(Uid(0), &b"root"[..]), (Uid(33), &b"www"[..])]);
    }

    #[test]
    fn who_is_not_there_is_not_found() {
        for text in ["", "nobody", "broken", "-1", "4294967295", "www:", "www:none", ":0", "1:-1"] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
