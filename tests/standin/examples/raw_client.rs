//! The least that a client can do: sends requests that are ready, over plain sockets that stay open, and reads whole answers.
//!
//! `raw_client ADDRESS CONCURRENCY FILE`. The file holds requests, each behind a line with its length. Like the program it is compared with,
//! it sends the first request alone. It ends with 1 when an answer is not 200.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, concurrency, file] = &arguments[..] else {
        return ExitCode::from(2);
    };
    match run(address, concurrency, file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell a failure of standard error to.
            let _ = writeln!(io::stderr(), "raw_client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(address: &str, concurrency: &str, file: &str) -> io::Result<()> {
    let concurrency: usize = concurrency.parse().map_err(io::Error::other)?;
    let requests = requests(&std::fs::read(file)?)?;
    let (first, others) = requests.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut connection = connect(address)?;
    exchange(&mut connection, first)?;

    let next = AtomicUsize::new(0);
    let work = |mut connection: BufReader<TcpStream>| -> io::Result<()> {
        while let Some(request) = others.get(next.fetch_add(1, Ordering::Relaxed)) {
            exchange(&mut connection, request)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let further: Vec<_> = (1..concurrency.min(others.len()))
            .map(|_| scope.spawn(|| work(connect(address)?)))
            .collect();
        work(connection)?;
        further.into_iter().try_for_each(|worker| {
            worker
                .join()
                .map_err(|_| io::Error::other("a worker panicked"))?
        })
    })
}

fn requests(mut bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let mut length = String::new();
        bytes.read_line(&mut length)?;
        let mut request = vec![0; length.trim().parse().map_err(io::Error::other)?];
        bytes.read_exact(&mut request)?;
        requests.push(request);
    }
    Ok(requests)
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn exchange(connection: &mut BufReader<TcpStream>, request: &[u8]) -> io::Result<()> {
    connection.get_mut().write_all(request)?;
    let mut line = String::new();
    connection.read_line(&mut line)?;
    if line.split(' ').nth(1) != Some("200") {
        return Err(io::Error::other(line));
    }
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    io::copy(&mut connection.take(length), &mut io::sink())?;
    Ok(())
}
