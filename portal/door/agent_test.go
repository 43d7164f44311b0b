package door

import (
	"strings"
	"testing"

	"tollhouse/billing/locale"
	"tollhouse/portal/ui"
)

func TestDeviceWords(t *testing.T) {
	t.Parallel()
	r := ui.Reader{Locale: locale.Locale{Language: "en"}}
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                           "Firefox on Linux",
		"Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":            "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":    "Edge on Windows",
		"curl/8.5.0": "curl/8.5.0", "": "Unknown program", strings.Repeat("я", 100): strings.Repeat("я", 40) + "…",
	} {
		if got := DeviceWords(r, agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

// A code has its three finder patterns where readers look for them, and a
// light border around.
func TestDrawQR_hasFindersAndQuietZone(t *testing.T) {
	t.Parallel()
	code, err := drawQR("otpauth://totp/Hanse:ada@example.net?secret=ABCDEFGH&issuer=Hanse")
	if err != nil {
		t.Fatal(err)
	}
	side := code.Size - 2*quietZone
	if (side-17)%4 != 0 || !strings.HasPrefix(code.Path, "M4 4h7v1h-7z") || !strings.Contains(code.Path, "M4 10h7v1h-7z") {
		t.Errorf("side %d, path %.60s", side, code.Path)
	}
	if _, err := drawQR(strings.Repeat("x", 5000)); err == nil {
		t.Error("a text that fits no code was drawn")
	}
}
