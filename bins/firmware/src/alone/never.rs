//! For images that cannot panic: one that could does not link.

use core::panic::PanicInfo;

unsafe extern "C" {
    /// There is no such function: an image in which something can panic lacks it.
    #[link_name = "\n\n*** something here can panic ***\n"]
    safe fn something_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    something_can_panic()
}
