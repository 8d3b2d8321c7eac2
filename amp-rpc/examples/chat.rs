//! A chat: the clients call the server, and the server calls the clients.
//!
//!     cargo run --example chat
//!     cargo run --example chat -- --listen ENDPOINT
//!     cargo run --example chat -- --connect ENDPOINT NAME
//!
//! With `--listen` it is the room; with `--connect` it is a visitor, who says what is typed and prints
//! what others say. Without arguments a room and two visitors talk in one process, and it prints:
//!
//!     ann hears bob: hello
//!     bob hears ann: hello yourself

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use amp_rpc::{Amp, Answer, Command, CommandError, Peer, Responders};
use tokio::io::AsyncBufReadExt as _;
use tokio::sync::mpsc;

/// A visitor comes in. Called by visitors.
#[derive(Debug, Command)]
#[amp(error = ChatError)]
struct Join {
    name: String,
}

/// A visitor says something. Called by visitors.
#[derive(Debug, Command)]
#[amp(error = ChatError)]
struct Say {
    text: String,
}

/// Somebody else has said something. Called by the room.
#[derive(Debug, Command)]
#[amp(no_answer)]
struct Hear {
    name: String,
    text: String,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum ChatError {
    #[error("somebody else has this name")]
    #[amp(code = "NAME_TAKEN")]
    NameTaken,
    #[error("join first")]
    #[amp(code = "NOT_JOINED")]
    NotJoined,
}

/// Who is here. Shared by all connections.
#[derive(Default)]
struct Room {
    visitors: Mutex<HashMap<String, Peer>>,
}

impl Room {
    fn visitors(&self) -> MutexGuard<'_, HashMap<String, Peer>> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One visitor, as the room sees them: the state of one connection.
struct Visitor {
    room: Arc<Room>,
    name: Mutex<Option<String>>,
}

impl Visitor {
    async fn join(self: Arc<Self>, command: Join, peer: Peer) -> Answer<Join> {
        {
            let mut visitors = self.room.visitors();
            // Who has gone leaves the name behind for others.
            visitors.retain(|_, peer| peer.end_reason().is_none());
            if visitors.contains_key(&command.name) {
                return Err(ChatError::NameTaken.into());
            }
            visitors.insert(command.name.clone(), peer);
        }
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(command.name);
        Ok(())
    }

    async fn say(self: Arc<Self>, command: Say) -> Answer<Say> {
        let name = self
            .name
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let name = name.ok_or(ChatError::NotJoined)?;
        // The lock is not held while anything is awaited.
        let others: Vec<Peer> = self
            .room
            .visitors()
            .iter()
            .filter(|(other, _)| **other != name)
            .map(|(_, peer)| peer.clone())
            .collect();
        for peer in others {
            let hear = Hear {
                name: name.clone(),
                text: command.text.clone(),
            };
            // Whoever has just gone hears nothing.
            let _ = peer.tell(hear).await;
        }
        Ok(())
    }
}

fn room() -> Amp {
    let room = Arc::new(Room::default());
    Amp::new().locator_for_each(move |_| {
        let visitor = Visitor {
            room: Arc::clone(&room),
            name: Mutex::default(),
        };
        Responders::with_state(visitor)
            .on_with_peer(Visitor::join)
            .on(Visitor::say)
    })
}

/// Connects and joins; what others say comes through the channel.
async fn visit(
    endpoint: &str,
    name: &str,
) -> Result<(Peer, mpsc::UnboundedReceiver<Hear>), Box<dyn Error>> {
    let (to, heard) = mpsc::unbounded_channel();
    let hear = move |command: Hear| {
        // Nobody listens any more at the end of the program.
        let _ = to.send(command);
        async { Ok(()) }
    };
    let amp = Amp::new().locator(Responders::new().on(hear));
    let peer = amp.connect(endpoint).await?;
    let name = name.to_owned();
    peer.call(Join { name }).await?;
    Ok((peer, heard))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => demonstrate().await,
        ["--listen", endpoint] => {
            let server = room().listen(endpoint).await?;
            println!("listening on {}", server.endpoint());
            server.run().await;
            Ok(())
        }
        ["--connect", endpoint, name] => talk(endpoint, name).await,
        _ => Err("usage: chat [--listen ENDPOINT | --connect ENDPOINT NAME]".into()),
    }
}

async fn demonstrate() -> Result<(), Box<dyn Error>> {
    let server = room().listen("tcp:0:interface=127.0.0.1").await?;
    let endpoint = server.endpoint().to_string();
    let (ann, mut ann_hears) = visit(&endpoint, "ann").await?;
    let (bob, mut bob_hears) = visit(&endpoint, "bob").await?;

    let text = "hello".to_owned();
    bob.call(Say { text }).await?;
    let Hear { name, text } = ann_hears.recv().await.ok_or("the connection has ended")?;
    println!("ann hears {name}: {text}");

    let text = "hello yourself".to_owned();
    ann.call(Say { text }).await?;
    let Hear { name, text } = bob_hears.recv().await.ok_or("the connection has ended")?;
    println!("bob hears {name}: {text}");
    drop((ann, bob));
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn talk(endpoint: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let (peer, mut heard) = visit(endpoint, name).await?;
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(text) => peer.call(Say { text }).await?,
                None => return Ok(()),
            },
            Some(Hear { name, text }) = heard.recv() => println!("{name}: {text}"),
            reason = peer.ended() => return Err(reason.into()),
        }
    }
}
