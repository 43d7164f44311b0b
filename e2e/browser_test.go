package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A subscriber signs in, sees what is owed, pays by card on the hosted page
// and comes back to a page that says so: in a real browser, clicking.
func TestBrowser_subscriberPaysABill(t *testing.T) {
	d := newDemo(t, small...) // its own: a payment changes the totals others compare
	d.start(t)
	door, email, password := d.subscriber(t, "/t/nusantara/")
	page := openBrowser(t)
	const owed = chromedp.CSS(`form[action$="/pay"] button.btn-primary`)
	err := chromedp.Do(page,
		chromedp.Navigate(d.base+door),
		chromedp.SendKeys(chromedp.CSS(`#email`), email),
		chromedp.SendKeys(chromedp.CSS(`#password`), password),
		chromedp.Submit(chromedp.CSS(`#password`)),
		chromedp.WaitVisible(owed),
		chromedp.Click(owed),
		chromedp.WaitVisible(chromedp.CSS(`[name="number"]`)),
		chromedp.SendKeys(chromedp.CSS(`[name="number"]`), "4242 4242 4242 4242"),
		chromedp.SendKeys(chromedp.CSS(`[name="expiry"]`), "12/39"),
		chromedp.SendKeys(chromedp.CSS(`[name="code"]`), "123"),
		chromedp.SendKeys(chromedp.CSS(`[name="name"]`), "A Subscriber"),
		chromedp.Submit(chromedp.CSS(`[name="name"]`)),
		// back on our page, which looks for the webhook by itself
		chromedp.WaitVisible(chromedp.CSS(`.sub-top`)),
		chromedp.WaitNotPresent(owed),
	)
	if err != nil {
		t.Fatalf("%v\nthe page says:\n%s", err, textOf(page))
	}
	eventually(t, 20*time.Second, "the page shows nothing owed", func() bool {
		if err := chromedp.Do(page, chromedp.Navigate(d.base+door), chromedp.WaitVisible(chromedp.CSS(`.sub-top`))); err != nil {
			return false
		}
		forms, err := chromedp.Run(page, chromedp.Evaluate[int](`document.querySelectorAll('form[action$="/pay"]').length`))
		return err == nil && forms == 0
	})
	if text := textOf(page); !strings.Contains(text, "KN-20") {
		t.Errorf("the paid bill is not on the page:\n%s", text)
	}
}

// openBrowser starts a Chromium without a window.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: tools/install.sh test installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	page, quit := chromedp.NewContext(allocator)
	t.Cleanup(quit)
	if err := chromedp.Do(page, chromedp.Navigate("about:blank")); err != nil { // starts it; a time limit here would end it
		t.Fatal(err)
	}
	page, cancel := context.WithTimeout(page, 2*time.Minute)
	t.Cleanup(cancel)
	return page
}

func textOf(page context.Context) string {
	short, cancel := context.WithTimeout(page, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(short, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// subscriber is the first login of a subscriber at a door.
func (d *demo) subscriber(t *testing.T, door string) (path, email, password string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "logins.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Logins []struct{ Path, Email, Password string }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, login := range file.Logins {
		if login.Path == door {
			return door, login.Email, login.Password
		}
	}
	t.Fatalf("no subscriber's login at %s", door)
	return "", "", ""
}
