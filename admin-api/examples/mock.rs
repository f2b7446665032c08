//! The API and the console over the fake system:
//! `cargo run -p admin-api --features fake --example mock -- --port 8090 --assets DIR --token T`
//! (`--secret S` adds a secret for one link).

use std::process::ExitCode;

use admin_api::fake::{MockConfig, serve_mock};

fn main() -> ExitCode {
    let mut config = MockConfig {
        port: 8090,
        assets: None,
        token: "development".into(),
        secret: None,
        openapi: b"{}",
    };
    let mut arguments = std::env::args().skip(1);
    while let (Some(option), value) = (arguments.next(), arguments.next()) {
        let Some(value) = value else { return usage(&option) };
        match option.as_str() {
            "--port" => match value.parse() {
                Ok(port) => config.port = port,
                Err(_) => return usage(&option),
            },
            "--assets" => config.assets = Some(value.into()),
            "--token" => config.token = value,
            "--secret" => config.secret = Some(value),
            _ => return usage(&option),
        }
    }
    let token = config.token.clone();
    let result = serve_mock(config, |address| {
        println!("http://{address}/ with the token {token}");
    });
    if let Err(error) = result {
        eprintln!("mock: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn usage(option: &str) -> ExitCode {
    eprintln!("mock: {option}: usage: mock [--port P] [--assets DIR] [--token T] [--secret S]");
    ExitCode::FAILURE
}
