//! The form that starts a program: [`StartForm`], its checks, and whose field an error belongs to.

use std::collections::BTreeMap;

use admin_api::types::{
    Class, CreateProcess, FieldError, Isolation, NetworkRights, OnViolation, Priority,
    SandboxRequest,
};

use super::cpu_list;
use super::failure::Failure;
use super::settings::parse_nice;

/// The fields as they were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartForm {
    /// Path of the program.
    pub program: String,
    /// Arguments, quoted as in a shell.
    pub args: String,
    /// Environment, one `NAME=VALUE` a line.
    pub env: String,
    /// Working directory.
    pub cwd: String,
    /// Priority.
    pub priority: Priority,
    /// Class.
    pub class: Class,
    /// Nice value.
    pub nice: String,
    /// CPUs, such as `0-3`; empty for all.
    pub cpus: String,
    /// In whose name; empty for root.
    pub user: String,
    /// How far it is kept apart.
    pub isolation: Isolation,
    /// The sandbox's root.
    pub root: String,
    /// What the sandbox may do with the network.
    pub network: NetworkRights,
    /// The system calls that it allows, separated by spaces; empty for the usual ones.
    pub calls: String,
    /// What becomes of others.
    pub on_violation: OnViolation,
}

impl Default for StartForm {
    fn default() -> Self {
        Self {
            program: String::new(),
            args: String::new(),
            env: String::new(),
            cwd: "/".to_owned(),
            priority: Priority::Normal,
            class: Class::User,
            nice: "0".to_owned(),
            cpus: String::new(),
            user: String::new(),
            isolation: Isolation::Process,
            root: String::new(),
            network: NetworkRights::None,
            calls: String::new(),
            on_violation: OnViolation::Refuse,
        }
    }
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Path of the program.
    Program,
    /// Arguments.
    Args,
    /// Environment.
    Env,
    /// Working directory.
    Cwd,
    /// Priority.
    Priority,
    /// Class.
    Class,
    /// Nice value.
    Nice,
    /// CPUs.
    Cpus,
    /// The user.
    User,
    /// How far it is kept apart.
    Isolation,
    /// The sandbox's root.
    Root,
    /// The sandbox's rights on the network.
    Network,
    /// The sandbox's system calls.
    Calls,
    /// None of them: the whole form.
    Form,
}

/// What is wrong, by field.
pub type Errors = BTreeMap<Field, String>;

impl StartForm {
    /// The request, if the fields are right.
    ///
    /// # Errors
    /// What is wrong with which field. The system checks again, and knows more.
    pub fn to_request(&self, cpu_count: Option<u32>) -> Result<CreateProcess, Errors> {
        let mut errors = Errors::new();
        let program = self.program.trim();
        if program.is_empty() {
            errors.insert(Field::Program, "Name a program, such as /bin/sleep.".to_owned());
        } else if !program.starts_with('/') {
            errors.insert(Field::Program, "The path has to begin with /.".to_owned());
        }
        let cwd = self.cwd.trim();
        if !cwd.is_empty() && !cwd.starts_with('/') {
            errors.insert(Field::Cwd, "The path has to begin with /.".to_owned());
        }
        let args = split_words(&self.args).unwrap_or_else(|message| {
            errors.insert(Field::Args, message.to_owned());
            Vec::new()
        });
        let env = parse_env(&self.env).unwrap_or_else(|message| {
            errors.insert(Field::Env, message);
            BTreeMap::new()
        });
        let nice = parse_nice(&self.nice).unwrap_or_else(|message| {
            errors.insert(Field::Nice, message);
            0
        });
        let cpus = cpu_list::parse(&self.cpus, cpu_count).unwrap_or_else(|message| {
            errors.insert(Field::Cpus, message);
            Vec::new()
        });
        let root = self.root.trim();
        let is_sandbox = self.isolation == Isolation::Sandbox;
        if is_sandbox && (!root.starts_with('/') || root.trim_matches('/').is_empty()) {
            let message = "Name a directory of its own, such as /srv/box; it can't be /.";
            errors.insert(Field::Root, message.to_owned());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let user = self.user.trim();
        let calls: Vec<String> = self.calls.split_whitespace().map(str::to_owned).collect();
        let sandbox = is_sandbox.then(|| SandboxRequest {
            root: root.to_owned(),
            network: Some(self.network),
            system_calls: (!calls.is_empty()).then_some(calls),
            on_violation: Some(self.on_violation),
        });
        Ok(CreateProcess {
            program: program.to_owned(),
            args,
            env,
            cwd: (!cwd.is_empty()).then(|| cwd.to_owned()),
            priority: Some(self.priority),
            class: Some(self.class),
            nice: Some(nice),
            affinity: (!cpus.is_empty()).then_some(cpus),
            user: (!user.is_empty()).then(|| user.to_owned()),
            isolation: Some(self.isolation),
            sandbox,
            ..CreateProcess::default()
        })
    }
}

/// The errors of a refused request, by field; what belongs to no field stands above the form.
#[must_use]
pub fn errors_of(failure: &Failure) -> Errors {
    let mut errors = Errors::new();
    if let Failure::Refused(problem) = failure {
        for FieldError { field, message } in &problem.errors {
            let place = field_of(field);
            let text = if place == Field::Form {
                format!("{field}: {message}")
            } else {
                sentence(message)
            };
            errors.entry(place).or_insert(text);
        }
        if errors.is_empty() && problem.code.starts_with("program") {
            errors.insert(Field::Program, sentence(&problem.detail));
        }
    }
    if errors.is_empty() {
        errors.insert(Field::Form, failure.message());
    }
    errors
}

fn field_of(path: &str) -> Field {
    let name = path.split(['.', '[']).next().unwrap_or(path);
    match name {
        "program" => Field::Program,
        "args" => Field::Args,
        "env" => Field::Env,
        "cwd" => Field::Cwd,
        "priority" => Field::Priority,
        "class" => Field::Class,
        "nice" => Field::Nice,
        "affinity" => Field::Cpus,
        "user" => Field::User,
        "isolation" => Field::Isolation,
        "sandbox" => match path.split(['.', '[']).nth(1) {
            Some("root") | None => Field::Root,
            Some("network") => Field::Network,
            Some("system_calls") => Field::Calls,
            Some(_) => Field::Form,
        },
        _ => Field::Form,
    }
}

/// Begins with a capital letter and ends with a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_ascii_uppercase(), chars.as_str())
}

/// Splits as a shell does: spaces between words, single and double quotes, backslashes.
fn split_words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' | '"' => {
                let target = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err("A quotation mark is not closed."),
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => match chars.next() {
                            Some(escaped) => target.push(escaped),
                            None => return Err("A quotation mark is not closed."),
                        },
                        Some(inner) => target.push(inner),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("Nothing follows the last backslash."),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn parse_env(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut env = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                env.insert(name.trim().to_owned(), value.to_owned());
            }
            _ => return Err(format!("Line {} is not NAME=VALUE.", index + 1)),
        }
    }
    Ok(env)
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::Problem;

    fn form(program: &str, args: &str, env: &str) -> StartForm {
        StartForm {
            program: program.to_owned(),
            args: args.to_owned(),
            env: env.to_owned(),
            ..StartForm::default()
        }
    }

    fn problem(code: &'static str, errors: Vec<FieldError>) -> Failure {
        Failure::Refused(Box::new(Problem {
            kind: "about:blank".into(),
            title: "t".into(),
            status: 422,
            detail: "no such program".into(),
            instance: "/".into(),
            code: code.into(),
            errors,
        }))
    }

    #[test]
    fn words_are_split_as_in_a_shell() {
        let words = |text| split_words(text).unwrap();
        assert_eq!(
            words("  -c  'echo \"a b\"' x\\ y \"it's\\\"\" ''"),
            ["-c", "echo \"a b\"", "x y", "it's\"", ""]
        );
        assert!(words("").is_empty());
        for broken in ["'a", "\"a\\", "a\\"] {
            assert!(split_words(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn right_fields_become_a_request() {
        let request =
            form("/bin/sh", "-c 'echo hi'", "A=1\n\nB=x=y\n").to_request(Some(4)).unwrap();
        assert_eq!(request.args, ["-c", "echo hi"]);
        assert_eq!(request.env.get("B").map(String::as_str), Some("x=y"));
        assert_eq!((request.cwd.as_deref(), request.priority), (Some("/"), Some(Priority::Normal)));
    }

    #[test]
    fn a_sandbox_needs_a_root_of_its_own() {
        let mut boxed = form("/bin/sh", "", "");
        boxed.isolation = Isolation::Sandbox;
        for root in ["", "/", "srv", "//"] {
            boxed.root = root.to_owned();
            let fields: Vec<Field> = boxed.to_request(None).unwrap_err().into_keys().collect();
            assert_eq!(fields, [Field::Root], "{root}");
        }
        boxed.root = "/srv/box".to_owned();
        boxed.calls = "read  write".to_owned();
        boxed.user = "nobody".to_owned();
        let request = boxed.to_request(None).unwrap();
        let sandbox = request.sandbox.unwrap();
        assert_eq!(sandbox.system_calls.unwrap(), ["read", "write"]);
        assert_eq!(
            (sandbox.network, request.user.as_deref()),
            (Some(NetworkRights::None), Some("nobody"))
        );
        boxed.isolation = Isolation::Process;
        assert!(boxed.to_request(None).unwrap().sandbox.is_none());
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let mut wrong = form("sleep", "'", "=1");
        wrong.cwd = "tmp".to_owned();
        let errors = wrong.to_request(Some(4)).unwrap_err();
        let fields: Vec<Field> = errors.into_keys().collect();
        assert_eq!(fields, [Field::Program, Field::Args, Field::Env, Field::Cwd]);
    }

    #[test]
    fn the_systems_errors_land_at_their_fields() {
        let field =
            |field: &str| FieldError { field: field.to_owned(), message: "too long".to_owned() };
        let errors = errors_of(&problem(
            "invalid_value",
            vec![field("args[3]"), field("env.PATH"), field("nice"), field("umask")],
        ));
        assert_eq!(errors.get(&Field::Args).map(String::as_str), Some("Too long."));
        assert!(errors.contains_key(&Field::Env));
        assert_eq!(errors.get(&Field::Form).map(String::as_str), Some("umask: too long"));
        let missing = errors_of(&problem("program_not_found", Vec::new()));
        assert_eq!(missing.get(&Field::Program).map(String::as_str), Some("No such program."));
        assert!(errors_of(&Failure::SignedOut).contains_key(&Field::Form));
    }
}
