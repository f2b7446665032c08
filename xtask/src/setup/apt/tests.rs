use super::*;

const OS: &str = "ID=debian\nVERSION_CODENAME=bookworm\n";

#[test]
fn the_mirror_comes_from_a_stanza() {
    let sources = "Types: deb\nURIs: http://security.test/x\nSuites: bookworm-security\n\n\
                   Types: deb\n# a comment: here\nURIs: http://mirror.test/debian\n\
                   Suites: bookworm bookworm-updates\nSigned-By: /usr/share/keyrings/k.gpg\n";
    let found = backports_of(OS, sources).unwrap();
    assert_eq!(found.suite, "bookworm-backports");
    assert_eq!(
        found.line,
        "deb [signed-by=/usr/share/keyrings/k.gpg] http://mirror.test/debian bookworm-backports main"
    );
}

#[test]
fn the_mirror_comes_from_a_one_line_source() {
    let sources = "deb http://other.test/x stable main\n\
                   deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm main\n";
    let found = backports_of(OS, sources).unwrap();
    assert_eq!(
        found.line,
        "deb [signed-by=/k.gpg] http://mirror.test/debian bookworm-backports main"
    );
    let plain = backports_of(OS, "deb http://mirror.test/debian bookworm main").unwrap();
    assert_eq!(plain.line, "deb http://mirror.test/debian bookworm-backports main");
}

#[test]
fn a_system_without_its_own_suite_has_no_backports() {
    assert_eq!(backports_of(OS, "deb http://mirror.test/debian trixie main"), None);
    assert_eq!(backports_of("ID=x\n", "deb http://mirror.test/debian bookworm main"), None);
}

#[test]
fn the_candidate_is_read_from_the_policy() {
    let policy = "qemu-system-x86:\n  Installed: (none)\n  Candidate: 1:7.2+dfsg-7\n";
    assert_eq!(parse_candidate(policy), Some(7));
    assert_eq!(parse_candidate("x:\n  Candidate: 156.0.8078.79-1~deb12u1\n"), Some(156));
    assert_eq!(parse_candidate("x:\n  Candidate: (none)\n"), None);
    assert_eq!(parse_candidate(""), None);
}

#[test]
fn someone_without_rights_is_told_the_commands() {
    let steps = vec![apt_step(Rights::Nobody, &["install", "-y", "x"])];
    let failure = perform(steps, Rights::Nobody).unwrap_err().to_string();
    assert!(
        failure.contains("env DEBIAN_FRONTEND=noninteractive apt-get install -y x"),
        "{failure}"
    );
}
