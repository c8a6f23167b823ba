//! Starts crowds of clients at a real server over real sockets, and prints the cost. Use a release
//! build.

fn main() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    return chatapp_e2e::crowd::main();
    #[cfg(not(target_os = "linux"))]
    Err(std::io::Error::other("this needs Linux"))
}
