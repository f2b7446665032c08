//! Writes the OpenAPI document into a file:
//! `cargo run -p admin-api --features openapi --example write-openapi -- FILE`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("write-openapi: usage: write-openapi FILE");
        return ExitCode::FAILURE;
    };
    match std::fs::write(&path, admin_api::openapi::document()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("write-openapi: {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
