//! Floods a real server and real clients while two clients chat, and prints the cost. Use a release
//! build.

fn main() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    return chatapp_e2e::flood::main();
    #[cfg(not(target_os = "linux"))]
    Err(std::io::Error::other("this needs Linux"))
}
