//! `cargo xtask mock`: the API and the console on this host, over a backend that makes its figures
//! up. For work on the console, and for trying the API out without a boot.

use crate::failure::{Failure, Result};
use crate::options::{Word, Words, unexpected};
use crate::places::Places;
use crate::setup::{self, Need};
use crate::{build, secret};
use admin_api::fake::{MockConfig, serve_mock};

/// The command itself. Serves until it is interrupted.
///
/// # Errors
/// When the console can't be built or the port can't be had.
pub fn command(places: &Places, mut words: Words) -> Result<()> {
    let (mut port, mut token) = (8081, None);
    while let Some(word) = words.take()? {
        match word {
            Word::Option(name) if name == "port" => port = words.number("port", 0..=u16::MAX)?,
            Word::Option(name) if name == "token" => {
                token = Some(secret::check_token(words.value("token")?)?);
            }
            other => return Err(unexpected(&other)),
        }
    }
    setup::ensure(&[Need::Compiler, Need::Npm])?;
    let token = match token {
        Some(token) => token,
        None => secret::random()?,
    };
    let link_secret = secret::random()?;
    let config = MockConfig {
        port,
        assets: Some(build::console_folder(places)?),
        token: token.clone(),
        secret: Some(link_secret.clone()),
        // Lives as long as the server, which is as long as the process.
        openapi: Box::leak(admin_api::openapi::document().into_bytes().into_boxed_slice()),
    };
    let served = serve_mock(config, |address| {
        secret::introduce(address.port(), &token, &link_secret);
    });
    served.map_err(|error| {
        Failure::new(format!("port {port}: {error}")).advise("--port 0 picks a free port")
    })
}
