package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tollhouse/e2e/tour"
)

// hand is somebody at a browser, signed in.
type hand struct {
	t    *testing.T
	page context.Context
	d    *demo
	door string // where the pages are, with a slash at the end
}

// at lets somebody sign in at a door of a demo, on a screen.
func (d *demo) at(t *testing.T, door, who string, screen tour.View) hand {
	t.Helper()
	h := hand{t, newPage(t), d, door}
	if err := screen.Use(h.page); err != nil {
		t.Fatal(err)
	}
	signIn(t, h.page, d, door, who)
	return h
}

// do takes steps; a step that fails tells what the page said.
func (h hand) do(steps ...chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	if err := tour.Do(h.page, steps...); err != nil {
		h.t.Fatalf("%v\n%s says:\n%s", err, h.address(), tour.Text(h.page))
	}
}

// open goes to a page below the door.
func (h hand) open(path string) { h.t.Helper(); h.do(chromedp.Navigate(h.d.base + h.door + path)) }

// fill types into a field, in place of what stands there.
func (h hand) fill(name, text string) {
	h.t.Helper()
	field := chromedp.CSS(`main [name="` + name + `"]`)
	h.do(chromedp.WaitVisible(field), chromedp.Focus(field))
	h.ask(`document.activeElement.select(), ""`)
	h.do(chromedp.SendKeys(field, text))
}

// set puts a value into a field that is not typed into: a date, a choice, or a
// whole document.
func (h hand) set(name, value string) {
	h.t.Helper()
	field := chromedp.CSS(`main [name="` + name + `"]`)
	h.do(chromedp.WaitVisible(field), chromedp.SetValue(field, value))
}

// press clicks and waits for what comes of it. What comes must not stand on
// the page that was clicked.
func (h hand) press(button, then string) {
	h.t.Helper()
	h.do(chromedp.WaitVisible(chromedp.CSS(button)), chromedp.Click(chromedp.CSS(button)), chromedp.WaitVisible(chromedp.CSS(then)))
}

// value is what stands in a field.
func (h hand) value(name string) string {
	h.t.Helper()
	return h.ask(`document.querySelector('main [name="` + name + `"]').value`)
}

// read is the text of an element, "" if there is none.
func (h hand) read(selector string) string {
	h.t.Helper()
	return strings.TrimSpace(h.ask(`(document.querySelector(` + "`" + selector + "`" + `)?.textContent ?? "").replace(/\s+/g, " ")`))
}

func (h hand) address() string { h.t.Helper(); return h.ask(`location.pathname + location.search`) }

func (h hand) ask(expression string) string {
	h.t.Helper()
	short, cancel := context.WithTimeout(h.page, 10*time.Second)
	defer cancel()
	answer, err := chromedp.Run(short, chromedp.Evaluate[string](expression))
	if err != nil {
		h.t.Fatalf("%s: %v", expression, err)
	}
	return answer
}

// text is what the page says.
func (h hand) text() string { return tour.Text(h.page) }

// tick sets a box.
func (h hand) tick(name string) {
	h.t.Helper()
	box := chromedp.CSS(`main [type="checkbox"][name="` + name + `"]`)
	h.do(chromedp.WaitVisible(box))
	if h.ask(`String(document.querySelector('main [name="`+name+`"]').checked)`) == "false" {
		h.do(chromedp.Click(box))
	}
}

func (h hand) signIn(email, password string) {
	h.t.Helper()
	if err := tour.SignIn(h.page, h.d.base, tour.Login{Path: h.door, Email: email, Password: password}); err != nil {
		h.t.Fatal(err)
	}
}

// patience bounds waiting for a page or for a job behind it.
const patience = time.Minute

// until waits for what a job brings about.
func (h hand) until(what string, yes func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !yes(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: not within %s; %s says:\n%s", what, patience, h.address(), h.text())
		}
	}
}

// says waits until the page's text holds some words.
func (h hand) says(words string) {
	h.t.Helper()
	h.until("the page says "+words, func() bool { return strings.Contains(h.text(), words) })
}
