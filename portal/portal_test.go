package portal_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
	"tollhouse/portal/static"
)

// contains checks that words are there, in order.
func contains(t *testing.T, where, text string, wanted ...string) {
	t.Helper()
	rest := text
	for _, want := range wanted {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Errorf("%s: no %q in %q", where, want, text)
			return
		}
		rest = after
	}
}

// may lives a month with a bill: €9.95 + €12.99 and two calls.
func may(w *world, c customer) {
	w.clock("2026-05-20 12:00")
	w.use(
		w.call(c, "a", "2026-05-12 17:50", "+4915112345678", 1200), // within the allowance
		w.call(c, "b", "2026-05-13 10:00", "+49900123456", 90),     // premium: 0.20 + 2 min × 1.99
		w.data(c, "c", "2026-05-14 09:00", 2_500_000_000),
	)
	w.closeCycles("2026-06-01")
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.host.Charging().GrantCycle(ctx, tx, c.ID)
		return err
	})
	w.clock("2026-06-03 12:00")
}

func TestHome_postpaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	home := b.signIn(w, c)
	// 9.95 + 12.99 for May + 12.99 in advance for June + 0.20 + 2 × 1.99
	contains(t, "due", home.in("#due"), "40,11 €", "HM-2026/000001", "Due 15 Jun 2026, in 12 days", "Pay 40,11 €")
	if home.find(".is-bad") != nil {
		t.Error("what is not overdue is red")
	}
	contains(t, "left", home.in("#left"), "5", "of 5 GB", "5 GB included", "200 minutes in Germany", "200", "/ 200 min")
	contains(t, "services", home.in("#services"), "Hanse Flex", "+49 151 000 000 01", "Active")
	contains(t, "ends", home.in("#ends"), "5 GB included", "A new allowance comes then.", "30 Jun 2026", "Present period")
	usage := b.get("/t/test-1/usage?month=2026-05")
	contains(t, "usage", usage.in("#usage-latest"), "14 May", "Data", "2,5 GB", "13 May", "4,18 €", "12 May", "from your allowance")
	contains(t, "bills", b.get("/t/test-1/bills").in("#bills"), "HM-2026/000001", "Open until 15 Jun 2026", "40,11 €", "PDF")
	contains(t, "statement", b.get("/t/test-1/statements").in("#statement"), "June 2026", "Bill HM-2026/000001", "−40,11", "You owe 40,11 €")
	if got := home.header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Error(got)
	}
	if home.header.Get("Cache-Control") != "no-store" {
		t.Error("the page may be kept")
	}

	w.clock("2026-06-20 12:00")
	late := b.get("/t/test-1/")
	contains(t, "overdue", late.in("#due"), "Overdue since 15 Jun 2026, 5 days late")
	if late.find(".is-bad") == nil {
		t.Error("what is overdue is not red")
	}
}

func TestHome_prepaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-prepaid-200", "en")
	b := w.browser()
	home := b.signIn(w, c)
	contains(t, "waiting", home.words(), "Hanse Prepaid 200 is waiting for money", "7,99 €")
	w.topUp(c, "20")
	home = b.get("/t/test-1/")
	contains(t, "balance", home.in("#due"), "My balance", "12,01 €", "Amount, €")
	contains(t, "left", home.in("#left"), "3 GB included", "from 0,09 € per min")
	contains(t, "statement", b.get("/t/test-1/statements").in("#statement"), "Fees", "−7,99", "Top-up", "+20,00", "You have 12,01 €")
	if strings.Contains(home.words(), "waiting for money") {
		t.Error("the paid package still waits")
	}
	wrong := b.post("/t/test-1/top-up", home, "amount", "abc", "key", home.value("key"))
	if wrong.status != http.StatusUnprocessableEntity || wrong.value("amount") != "abc" || wrong.find("#amount-e") == nil {
		t.Errorf("a wrong amount answers %d, keeps %q", wrong.status, wrong.value("amount"))
	}
	right := b.post("/t/test-1/top-up", home, "amount", "1.250,5", "key", home.value("key"))
	if to := right.header.Get("Location"); right.status != http.StatusSeeOther || !strings.HasPrefix(to, "http://127.0.0.1:1/pay/") {
		t.Errorf("top-up answers %d to %s", right.status, to)
	}
	contains(t, "what was understood", words(b.partial("/t/test-1/top-up?amount=1.250,5", "understood").tree), "You will pay 1.250,50 €")
}

func TestBillPDF_ownOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	may(w, c)
	var theirs bill.Page
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		theirs, err = bill.List(ctx, tx, other.ID, bill.Cursor{}, 1)
		return err
	})
	b := w.browser()
	b.signIn(w, c)
	own := b.get(attribute(b.get("/t/test-1/bills").find(".pdf"), "href"))
	if own.status != http.StatusOK || !strings.HasPrefix(own.text, "%PDF") || !strings.Contains(own.header.Get("Content-Disposition"), "HM-2026-000001.pdf") {
		t.Errorf("own bill answers %d, %s", own.status, own.header.Get("Content-Disposition"))
	}
	for _, id := range []string{theirs.Bills[0].ID.String(), "00000000-0000-0000-0000-000000000001", "nonsense"} {
		for _, path := range []string{"bills/" + id + "/pdf", "bills/" + id, "old-bills/" + id + "/pdf"} {
			if p := b.get("/t/test-1/" + path); p.status != http.StatusNotFound {
				t.Errorf("%s answers %d", path, p.status)
			}
		}
	}
}

func TestWhy_showsTheSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	b.signIn(w, c)
	list := b.get("/t/test-1/usage?month=2026-05")
	var address string
	for _, a := range list.all("a[hx-swap=outerHTML]") {
		if strings.Contains(words(a), "4,18") {
			address = attribute(a, "href")
		}
	}
	wanted := []string{"Calls to +49 900 123 456", "1 min 30 s", "Hanse Flex", "numbers that begin with 49900 (Premium numbers)",
		"1 min 30 s count as 2 min", "Connection fee", "0,20 €", "2 min × 1,99 € per min", "3,98 €", "None was needed", "Goes on your bill", "4,18 €"}
	opened := b.get(address)
	contains(t, "under its row", opened.in(".why-row"), wanted...)
	contains(t, "beside the list", opened.in("aside"), append([]string{"Why it cost 4,18 €"}, wanted...)...)
	part := b.partial(address, "usage-latest")
	contains(t, "in place", part.text, `aria-expanded="true"`, "Connection fee", "3,98")
	if strings.Contains(part.text, "<html") {
		t.Error("a part is a whole page")
	}
	if folded := b.partial("/t/test-1/usage?month=2026-05", "usage-latest"); strings.Contains(folded.text, "Connection fee") {
		t.Error("a folded row still explains")
	}
	period, id, _ := strings.Cut(address[strings.Index(address, "why=")+len("why="):], ".")
	alone := "/t/test-1/usage/" + period + "/" + id
	contains(t, "page of its own", b.get(alone).words(), append([]string{"Why it cost 4,18 €"}, wanted...)...)
	s := w.browser()
	s.signIn(w, other)
	for _, path := range []string{alone, address, "/t/test-1/usage/yesterday/" + id} {
		if p := s.get(path); p.status != http.StatusNotFound {
			t.Errorf("another's use at %s answers %d", path, p.status)
		}
	}
}

func TestStatement_tabsAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-prepaid-200", "en")
	w.topUp(c, "20")
	w.clock("2026-05-20 12:00")
	for i, day := range []string{"05", "06", "07"} {
		w.use(w.call(c, day, "2026-05-"+day+" 10:00", "+33123456789", 31+int64(i))) // fractions of a cent
	}
	b := w.browser()
	b.signIn(w, c)
	for period, title := range map[string]string{"month:2026-05": "May 2026", "year:2026": "2026", "since-last-payment": "1 May 2026 to 20 May 2026", "month:2026-04": "April 2026", "nonsense": "May 2026"} {
		p := b.partial("/t/test-1/statements?period="+period, "statement")
		contains(t, period, words(p.tree), title)
		sum := int64(0)
		for _, row := range p.all("tr") {
			if n := lastCell(row); n != nil && words(n) != "" {
				sum += cents(words(n))
			}
		}
		closing := strings.TrimPrefix(lastWords(p.all("tfoot")), "At the end You have ")
		if period != "month:2026-04" && sum != cents(strings.TrimSuffix(closing, " €")) {
			t.Errorf("%s: entries sum to %d, closing is %q", period, sum, closing)
		}
	}
	if p := b.get("/t/test-1/statements?period=year:2026"); p.find("h1") == nil || !strings.Contains(p.in("#statement"), "2026") {
		t.Error("without JavaScript the tab shows no page")
	}
	file := b.get("/t/test-1/statements?period=month:2026-05&format=csv")
	contains(t, "file", file.text, "Day,What,Amount,Not yet billed,Currency", "2026-05-01,Top-up,20", "EUR")
	if !strings.Contains(file.header.Get("Content-Disposition"), "2026-05.csv") {
		t.Errorf("the file is %s", file.header.Get("Content-Disposition"))
	}
}

func lastCell(row *html.Node) *html.Node {
	var last *html.Node
	for n := range row.ChildNodes() {
		if n.Type == html.ElementNode && n.Data == "td" {
			last = n
		}
	}
	if last == nil || row.Parent.Data == "tfoot" || strings.Contains(words(last), "You") || strings.Contains(words(last), "Nothing") {
		return nil
	}
	return last
}

func lastWords(nodes []*html.Node) string {
	if len(nodes) == 0 {
		return ""
	}
	return words(nodes[len(nodes)-1])
}

// cents reads "+1.234,50" and "−0,16".
func cents(text string) int64 {
	sign, sum := int64(1), int64(0)
	for _, r := range text {
		if r == '−' {
			sign = -1
		}
		if r >= '0' && r <= '9' {
			sum = sum*10 + int64(r-'0')
		}
	}
	return sign * sum
}

func TestLanguages_allRender(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kabel)
	c := w.customer(1, "nusantara-fiber-100", "id")
	w.clock("2026-05-20 12:00")
	w.use(w.data(c, "a", "2026-05-03 09:00", 99_500_000_000), w.data(c, "b", "2026-05-04 09:00", 1_250_000_000))
	w.closeCycles("2026-06-01")
	w.clock("2026-06-03 14:02")
	b := w.browser()
	home := b.signIn(w, c)
	for _, l := range []struct {
		code string
		want []string
	}{
		// (250.000 + 315.000 + 315.000 + 750 MB × 1.500 per GB) × 1,11
		{"", []string{"Halo, Jonas", "Per 3 Jun 2026, 14.02 WIB", "Yang harus dibayar", "Rp 978.049"}},
		{"en", []string{"Hello, Jonas", "What I owe", "Rp 978.049"}},
		{"ru", []string{"Здравствуйте, Jonas", "3 июн. 2026 г., 14:02", "К оплате", "978 049 IDR"}},
	} {
		p := home
		if l.code != "" {
			p = b.get("/t/test-1/?lang=" + l.code)
		}
		contains(t, l.code, p.words(), l.want...)
		if tag := attribute(p.find("html"), "lang"); l.code != "" && tag != l.code+"-ID" {
			t.Errorf("lang is %s", tag)
		}
		if strings.Contains(p.text, "style=") || strings.Contains(p.text, "<script>") {
			t.Error("an inline style or script")
		}
	}
	if kept := b.get("/t/test-1/"); !strings.Contains(kept.words(), "Здравствуйте") {
		t.Error("the language is forgotten")
	}
	if dark := b.get("/t/test-1/?theme=dark"); attribute(dark.find("html"), "data-bs-theme") != "dark" {
		t.Error("no dark theme")
	}
	if kept := b.get("/t/test-1/"); attribute(kept.find("html"), "data-bs-theme") != "dark" {
		t.Error("the theme is forgotten")
	}
}

// firstView is what a subscriber's first page may weigh on the way, in bytes.
const firstView = 150_000

func TestWeight_ofTheFirstView(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "ru")
	may(w, c)
	home := w.browser()
	page := home.signIn(w, c)
	r, err := http.NewRequest(http.MethodGet, w.server.URL+"/t/test-1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	for _, cookie := range home.http.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	weight := int(answer.ContentLength)
	for _, name := range []string{"vendor/bootstrap.min.css", "tollhouse.css", "vendor/htmx.min.js", "vendor/inter-latin-wght-normal.woff2", "vendor/inter-cyrillic-wght-normal.woff2"} {
		if static.Weight(name) == 0 {
			t.Fatalf("no %s", name)
		}
		weight += static.Weight(name)
	}
	if weight > firstView || answer.ContentLength <= 0 {
		t.Errorf("the first view weighs %d bytes", weight)
	}
	if len(page.text) > 60_000 || len(page.all("div"))+len(page.all("span"))+len(page.all("td")) > 1500 {
		t.Errorf("the page has %d bytes", len(page.text))
	}
	t.Logf("first view %d bytes, page %d, gzip %d", weight, len(page.text), answer.ContentLength)
}

func TestLinks_leadSomewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	b.signIn(w, c)
	seen := map[string]bool{}
	pages := []string{"/t/test-1/", "/t/test-1/usage?month=2026-05", "/t/test-1/statements", "/t/test-1/bills", "/t/test-1/account",
		"/t/test-1/account/security", "/t/test-1/account/security/history"}
	pages = append(pages, attribute(b.get("/t/test-1/bills").find("a[class=strong num]"), "href"))
	for _, page := range pages {
		checkLinks(t, b, page, seen)
	}
	stranger := w.browser()
	for _, page := range []string{"/t/test-1/", "/t/test-1/sign-in/code", "/t/test-1/reset", "/t/test-1/set-password?token=x"} {
		checkLinks(t, stranger, page, seen)
	}
}

// checkLinks follows what a page leads to, and finds ids that stand twice.
func checkLinks(t *testing.T, b *browser, address string, seen map[string]bool) {
	t.Helper()
	shown := b.get(address)
	if shown.status != http.StatusOK {
		t.Fatalf("%s answers %d: %s", address, shown.status, shown.words())
	}
	for _, selector := range []string{"a[href]", "link[href]", "script[src]", "a[hx-get]", "form[hx-get]", "input[hx-get]", "form[action]"} {
		attributeName := strings.TrimSuffix(selector[strings.Index(selector, "[")+1:], "]")
		for _, n := range shown.all(selector) {
			to, fragment, _ := strings.Cut(attribute(n, attributeName), "#")
			if to == "" && fragment != "" && shown.find("#"+fragment) == nil {
				t.Errorf("%s: #%s is nowhere", address, fragment)
			}
			if to == "" || seen[to] || strings.HasPrefix(to, "data:") {
				continue
			}
			seen[to] = true
			if !strings.HasPrefix(to, "/") {
				t.Errorf("%s: %s leads elsewhere", address, to)
			}
			if p := b.get(to); p.status != http.StatusOK && p.status != http.StatusSeeOther {
				t.Errorf("%s: %s answers %d", address, to, p.status)
			}
		}
	}
	ids := map[string]bool{}
	for _, n := range shown.all("[id]") {
		if ids[attribute(n, "id")] {
			t.Errorf("%s: id %s stands twice", address, attribute(n, "id"))
		}
		ids[attribute(n, "id")] = true
	}
}

func TestOwnHostName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.browser()
	r, err := http.NewRequest(http.MethodGet, w.server.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	port := w.server.URL[strings.LastIndex(w.server.URL, ":"):]
	r.Host = "test-1.localhost" + port
	door := b.do(r)
	if form := door.find("form"); attribute(form, "action") != "/sign-in" {
		t.Errorf("the form leads to %q", attribute(form, "action"))
	}
	if cookies := strings.Join(door.header.Values("Set-Cookie"), "\n"); !strings.Contains(cookies, "Path=/;") {
		t.Errorf("cookies %s", cookies)
	}
	back := b.get("/t/test-1/returned?host=test-1.localhost" + port + "&paid=x")
	if to := back.header.Get("Location"); to != "http://test-1.localhost"+port+"/?paid=x" {
		t.Errorf("the way back leads to %s", to)
	}
	back = b.get("/t/test-1/returned?host=evil.example&paid=x")
	if to := back.header.Get("Location"); to != "/t/test-1/?paid=x" {
		t.Errorf("the way back leads to %s", to)
	}
}

func TestElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.browser()
	for path, want := range map[string]int{
		"/t/test-1/nothing": http.StatusNotFound, "/t/test-1": http.StatusPermanentRedirect, "/t/test-1/bills/x/pdf": http.StatusSeeOther,
		"/t/test-1/sign-in": http.StatusSeeOther, "/static/0/tollhouse.css": http.StatusNotFound, "/static/brand/ff0000/brand.0.css": http.StatusNotFound,
		static.URL("tollhouse.css"): http.StatusOK, static.URL("static.go"): http.StatusNotFound, "/": http.StatusOK,
	} {
		if p := b.get(path); p.status != want {
			t.Errorf("%s answers %d, want %d", path, p.status, want)
		}
	}
	if p := b.get("/t/test-1/nothing"); !strings.Contains(p.words(), "This page is not here") || !strings.Contains(p.words(), "Reference") {
		t.Errorf("no page of ours: %s", p.words())
	}
	missing := b.get("/t/test-1/v1/nothing")
	var told struct{ Type string }
	if err := json.Unmarshal([]byte(missing.text), &told); err != nil || told.Type == "" {
		t.Errorf("a program is told %s", missing.text)
	}
	if p := b.get(static.URL("tollhouse.css")); !strings.Contains(p.header.Get("Cache-Control"), "immutable") {
		t.Error("files are not kept")
	}
	if p := b.get("/t/test-1/?next=%2F%2Fevil.example"); p.value("next") != "//evil.example" {
		t.Log("the form keeps what was asked for; signing in checks it")
	}
	c := w.customer(1, "hanse-postpaid-flex", "en")
	for next, want := range map[string]string{"//evil.example": "/t/test-1/", "https://evil.example/": "/t/test-1/", "/t/test-2/": "/t/test-1/", "/t/test-1/?period=year:2026": "/t/test-1/?period=year:2026"} {
		b := w.browser()
		in := b.post("/t/test-1/sign-in", b.get("/t/test-1/"), "email", c.email, "password", password, "next", next)
		if to := in.header.Get("Location"); to != want {
			t.Errorf("next %s leads to %s", next, to)
		}
	}
}
