//! The client: it registers a user twice.

use std::error::Error;

use amp_rpc::{Amp, CallError, Peer};

use crate::command::{RegisterUser, RegistrationError};

pub(crate) async fn register_twice(endpoint: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let peer = Amp::new().connect(endpoint).await?;
    match register(&peer, name).await {
        Ok(uid) => println!("registered {name}: uid {uid}"),
        Err(CallError::Declared { error, .. }) => println!("{name}: {error}"),
        Err(other) => return Err(other.into()),
    }
    match register(&peer, name).await {
        Err(CallError::Declared {
            error: error @ RegistrationError::UsernameUnavailable,
            ..
        }) => println!("{name} again: {error}"),
        Err(CallError::Declared { error, .. }) => println!("{name}: {error}"),
        Ok(_) => return Err("the name was given away twice".into()),
        Err(other) => return Err(other.into()),
    }
    peer.close();
    peer.closed().await;
    Ok(())
}

async fn register(peer: &Peer, name: &str) -> Result<i64, CallError<RegistrationError>> {
    let command = RegisterUser {
        username: name.to_owned(),
        publickey: b"ssh-rsa AAAAB3NzaC1yc2 alice@actinium".to_vec(),
    };
    Ok(peer.call(command).await?.uid)
}
