//! A server of another origin, whose page tries what a page can.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
};

const PAGE: &str = include_str!("attacker.html");

/// Starts it, and returns its port. It serves one page to everybody, and ends with the process.
pub(crate) fn serve(target: &str, token: &str, session: &str) -> u16 {
    let page = PAGE.replace("TARGET", target).replace("TOKEN", token).replace("SESSION", session);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &page);
        }
    });
    port
}

fn answer(mut stream: TcpStream, page: &str) -> std::io::Result<()> {
    let mut head = BufReader::new(stream.try_clone()?).lines();
    while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let length = page.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
    )
}
