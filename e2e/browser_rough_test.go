package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tollhouse/e2e/tour"
)

// A beginner types nonsense and sends a form again and again; then the power
// fails while the clock moves over the ends of two months.
// Cash is taken once, nothing is an error of ours, and the books hold.
func TestBrowser_roughHandling(t *testing.T) {
	d := newDemo(t, "TOLLHOUSE_LISTEN="+freePort(t), "TOLLHOUSE_SCALE=1", "TOLLHOUSE_SEED=7")
	d.start(t)
	takesCashOnce(d.at(t, "/t/hanse/console/", ", clerk", tour.Desktop))
	losesPower(d.at(t, "/t/hanse/console/", "owner", tour.Desktop))
}

func takesCashOnce(h hand) {
	h.open("subscribers")
	h.press(`main tbody a[href*="/subscribers/"]`, `main a[href$="/cash"]`)
	h.press(`main a[href$="/cash"]`, `[name="amount"]`)
	for _, nonsense := range []string{"-5", "ten", "1e9", "99999999999999999999", "0", "<b>5</b>", "１２"} {
		h.fill("amount", nonsense)
		h.do(chromedp.Click(chromedp.CSS(send)))
		h.until(nonsense+" is refused beside the field", func() bool { return h.read(`#amount-e`) != "" && h.value("amount") == nonsense })
		h.open(strings.TrimPrefix(h.address(), h.door)) // afresh
	}
	h.fill("amount", "3")
	h.do(chromedp.Click(chromedp.CSS(send)), chromedp.WaitReady(chromedp.CSS(`[name="confirmed"]`)))
	const again = `fetch(f.action, {method: "POST", body: new URLSearchParams(new FormData(f))}).then(r => r.status)`
	answers, err := chromedp.Run(h.page, chromedp.Evaluate[[]int](`(async () => { const f = document.querySelector('[name="confirmed"]').form;
		return [...await Promise.all([`+again+`, `+again+`, `+again+`]), await `+again+`] })()`, chromedp.EvalAwaitPromise))
	if err != nil || !slices.Equal(answers, []int{200, 200, 200, 200}) { // each is led to the page that says so
		h.t.Errorf("sent four times: %v %v", answers, err)
	}
	account := strings.Split(strings.TrimPrefix(h.address(), h.door), "/")[1]
	h.open("subscribers/" + account + "/payments")
	h.do(chromedp.WaitVisible(chromedp.CSS(`main tbody`)))
	if taken := strings.Count(h.read(`main tbody`), "3,00"); taken != 1 {
		h.t.Errorf("cash was taken %d times:\n%s", taken, h.text())
	}
}

func losesPower(h hand) {
	c := h.d.owner(h.t, "hanse")
	to := c.now(h.t).AddDate(0, 2, 0).Format(time.DateOnly)
	move := func() {
		h.open("bill-runs")
		h.press(`button[popovertarget="clock"]`, `#clock [name="to"]`)
		h.do(chromedp.SetValue(chromedp.CSS(`#clock [name="to"]`), to), chromedp.Click(chromedp.CSS(`#clock button[type="submit"]`)))
		h.until("the clock moves", func() bool { return strings.HasSuffix(h.address(), "done=clock") })
	}
	move()
	server := h.d.postmasterID()
	kill(h.t, append([]int{h.d.processID(h.t), server}, children(server)...)...)
	h.d.start(h.t)
	move()
	h.until("the day is reached", func() bool { return c.now(h.t).Add(24*time.Hour).Format(time.DateOnly) >= to })
	c.wantControlSums(h.t)
}
