package tour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrNoBrowser means that Debian's Chromium is not there.
var ErrNoBrowser = errors.New("chromium is missing: tools/install.sh test installs it")

// Open starts a Chromium without a window. Its profile is its own: nobody is
// signed in anywhere. Close ends it.
func Open(ctx context.Context) (page context.Context, quit func(), err error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, ErrNoBrowser
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-device-scale-factor", "1"))
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	page, end := chromedp.NewContext(allocator)
	if err := chromedp.Do(page, chromedp.Navigate("about:blank")); err != nil { // starts it; a time limit here would end it
		end()
		stop()
		return nil, nil, fmt.Errorf("start chromium: %w", err)
	}
	return page, func() { end(); stop() }, nil
}

// Login is somebody's way in.
type Login struct{ Who, Path, Email, Password string }

// Logins reads those that a demo keeps in its folder.
func Logins(folder string) ([]Login, error) {
	text, err := os.ReadFile(filepath.Join(folder, "logins.json"))
	if err != nil {
		return nil, err
	}
	var file struct{ Logins []Login }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	return file.Logins, nil
}

// Find gives the first login at a door of whom it is said so, such as owner; ""
// fits all.
func Find(logins []Login, door, word string) (Login, error) {
	for _, l := range logins {
		if l.Path == door && strings.Contains(l.Who, word) {
			return l, nil
		}
	}
	return Login{}, fmt.Errorf("no login %q at %s", word, door)
}

// actionTime bounds one step in the browser.
const actionTime = 20 * time.Second

// Do runs steps, each with a bound of its own.
func Do(page context.Context, steps ...chromedp.Action[chromedp.Void]) error {
	for n, step := range steps {
		short, cancel := context.WithTimeout(page, actionTime)
		err := chromedp.Do(short, step)
		cancel()
		if err != nil {
			return fmt.Errorf("step %d: %w", n+1, err)
		}
	}
	return nil
}

// SignIn goes through a door by password.
func SignIn(page context.Context, base string, l Login) error {
	err := Do(page,
		chromedp.Navigate(base+l.Path),
		chromedp.WaitVisible(chromedp.CSS(`#email`)),
		chromedp.SetValue(chromedp.CSS(`#email`), l.Email),
		chromedp.SendKeys(chromedp.CSS(`#password`), l.Password),
		chromedp.Submit(chromedp.CSS(`#password`)),
		chromedp.WaitVisible(chromedp.CSS(`form[action$="sign-out"] button, details.menu`)),
		chromedp.WaitNotPresent(chromedp.CSS(`#password`)),
	)
	if err != nil {
		return fmt.Errorf("sign in as %s: %w\nthe page says:\n%s", l.Email, err, Text(page))
	}
	return nil
}

// Text is what the page says.
func Text(page context.Context) string {
	short, cancel := context.WithTimeout(page, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(short, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}
