/* Stands in for bcryptprimitives.dll, which Debian's Wine lacks and the standard library of Rust
 * wants. For tests alone: Windows has its own.
 *
 * Wine also sets the folders of a user for each process. A test has other ones, in CHATAPP_HOME.
 */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG len);

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *data, SIZE_T len) {
    while (len > 0) {
        ULONG part = len > 65536 ? 65536 : (ULONG)len;
        if (!SystemFunction036(data, part))
            return FALSE;
        data += part;
        len -= part;
    }
    return TRUE;
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved) {
    WCHAR home[MAX_PATH];
    (void)instance;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        DWORD len = GetEnvironmentVariableW(L"CHATAPP_HOME", home, MAX_PATH);
        if (len > 0 && len < MAX_PATH) {
            SetEnvironmentVariableW(L"LOCALAPPDATA", home);
            SetEnvironmentVariableW(L"APPDATA", home);
        }
    }
    return TRUE;
}
