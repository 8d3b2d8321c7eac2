//! The limit again, on the standard library's blocking sockets: it says whether the limit is one.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use bench_peers::wire::{self, Answers, BUFFER, walk};
use bench_peers::{Error, Job, Load, Report, Side};

fn main() -> Result<(), Error> {
    match Job::from_command_line()?.side {
        Side::Server => serve(),
        Side::Client { port, load } => {
            println!("{}", measure(port, &load)?);
            Ok(())
        }
        Side::Idle { .. } => Err("a raw socket takes no memory in its process".into()),
    }
}

fn serve() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    bench_peers::listening(listener.local_addr()?.port());
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(|| answer(stream));
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = Answers::default();
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let (boxes, end) = walk(&buffer[..filled]);
        stream.write_all(answers.to(&buffer[..end], boxes))?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

fn measure(port: u16, load: &Load) -> Result<Report, Error> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let ask = wire::ask(load.call);
    let asks = ask.repeat(load.outstanding);
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let mut calls = 0;
    bench_peers::connected();
    let start = Instant::now();
    stream.write_all(&asks)?;
    while start.elapsed() < load.time {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err("the server is gone".into());
        }
        filled += read;
        let (boxes, end) = walk(&buffer[..filled]);
        calls += boxes as i64;
        stream.write_all(&asks[..boxes * ask.len()])?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
    let mut report = Report::default();
    report.add(calls, Vec::new());
    report.time = start.elapsed();
    Ok(report)
}
