//! Floods a real server and real clients, lets people chat meanwhile, and says what it costs. Use a
//! release build.

fn main() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    return chatapp_e2e::flood::main();
    #[cfg(not(target_os = "linux"))]
    Err(std::io::Error::other("this needs Linux"))
}
