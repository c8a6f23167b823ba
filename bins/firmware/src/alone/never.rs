//! Check for images without panics: an image that can panic does not link.

use core::panic::PanicInfo;

unsafe extern "C" {
    /// This function does not exist: an image that can panic calls it, and fails to link.
    #[link_name = "\n\n*** something here can panic ***\n"]
    safe fn something_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    something_can_panic()
}
