// Command screens takes the pictures of docs/screens: it starts a demo of its
// own, signs in at each door, and looks at the pages on a phone and on a desk.
//
//	go run ./e2e/screens [-out docs/screens] [-only word]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"tollhouse/e2e/tour"
)

func main() {
	out := flag.String("out", "docs/screens", "folder for the pictures")
	only := flag.String("only", "", "only pictures whose name holds this word")
	binary := flag.String("binary", "bin/tollhouse", "the program")
	base := flag.String("base", "", "address of a demo that runs already, whose folder is -data")
	data := flag.String("data", "", "folder of that demo")
	flag.Parse()
	var err error
	if *base != "" {
		err = look(*base, *data, *out, *only)
	} else {
		err = run(*binary, *out, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

func run(binary, out, only string) (err error) {
	data, err := os.MkdirTemp("", "tollhouse-screens-")
	if err != nil {
		return err
	}
	if err := os.Chmod(data, 0o755); err != nil { // the database's own user has to reach it
		return err
	}
	d := demo{binary: binary, data: data}
	defer func() { err = errors.Join(err, d.stop(), os.RemoveAll(data)) }()
	base, err := d.start()
	if err != nil {
		return err
	}
	return look(base, data, out, only)
}

// look takes the pictures of a demo that runs.
func look(base, data, out, only string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	logins, err := tour.Logins(data)
	if err != nil {
		return err
	}
	for _, door := range doors {
		if err := door.pictures(base, out, only, logins); err != nil {
			return err
		}
	}
	return nil
}

// demo is one of this command's own.
type demo struct{ binary, data string }

func (d demo) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), d.binary, append([]string{"demo"}, args...)...)
	cmd.Env = append(os.Environ(), "TOLLHOUSE_DATA="+d.data, "TOLLHOUSE_LISTEN=127.0.0.1:0", "TOLLHOUSE_SCALE=100")
	return cmd
}

func (d demo) start() (base string, err error) {
	said, err := d.command("--no-wait").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("start demo: %w\n%s", err, said)
	}
	address := regexp.MustCompile(`ready at (http://\S+)`).FindSubmatch(said)
	if address == nil {
		return "", fmt.Errorf("the demo tells no address:\n%s", said)
	}
	return string(address[1]), nil
}

func (d demo) stop() error { return d.command("--stop").Run() }

// door is where one of the pictures' people signs in, and what is looked at.
type door struct {
	path, who string
	shots     []shot
}

// shot is one page; what is not an address below the door is reached by links.
type shot struct {
	name  string
	path  string   // below the door
	click []string // links to follow from there, by CSS, the first of each
	theme string
	views []tour.View
}

var (
	both  = []tour.View{tour.Phone, tour.Desktop}
	desk  = []tour.View{tour.Desktop}
	doors = []door{
		{"/t/nusantara/", "", []shot{
			{"subscriber-home", "", nil, "light", both},
			{"subscriber-home-dark", "", nil, "dark", both},
			{"subscriber-usage", "usage", nil, "light", both},
			{"subscriber-statement", "statements", nil, "light", both},
			{"subscriber-bills", "bills", nil, "light", both},
			{"subscriber-account", "account", nil, "light", both},
		}},
		{"/t/hanse/", "", []shot{{"subscriber-hanse", "", nil, "light", both}}},
		{"/t/nusantara/console/", "owner", []shot{
			{"console-dashboard", "", nil, "light", both},
			{"console-dashboard-dark", "", nil, "dark", desk},
			{"console-subscribers", "subscribers", nil, "light", both},
			{"console-subscriber", "subscribers", []string{`main table tbody a[href*="/subscribers/"]`}, "light", both},
			{"console-subscriber-dark", "subscribers", []string{`main table tbody a[href*="/subscribers/"]`}, "dark", desk},
			{"console-connect", "orders/new", nil, "light", both},
			{"console-offers", "offers", nil, "light", desk},
			{"console-offer", "offers", []string{`main table tbody a[href*="/offers/"]`}, "light", desk},
			{"console-bill-runs", "bill-runs", nil, "light", both},
			{"console-payments", "payments", nil, "light", desk},
			{"console-hosting", "hosting", nil, "light", both},
			{"console-suspense", "suspense", nil, "light", both},
			{"console-readiness", "readiness", nil, "light", desk},
			{"console-import", "import", nil, "light", desk},
			{"console-users", "users", nil, "light", both},
			{"console-settings", "settings", nil, "light", desk},
			{"console-audit", "audit", nil, "light", desk},
			{"console-security", "security", nil, "light", desk},
		}},
		{"/staff/", "admin", []shot{
			{"staff-overview", "", nil, "light", both},
			{"staff-overview-dark", "", nil, "dark", desk},
			{"staff-operators", "operators", nil, "light", both},
			{"staff-operator", "operators", []string{`main table tbody a[href*="/operators/"]`}, "light", desk},
			{"staff-create", "operators/new", nil, "light", desk},
			{"staff-sites", "sites", nil, "light", both},
			{"staff-contracts", "contracts", nil, "light", desk},
			{"staff-contract", "contracts", []string{`main table tbody a[href*="/contracts/"]`}, "light", both},
			{"staff-machines", "machines", nil, "light", both},
			{"staff-hardware", "hardware", nil, "light", both},
			{"staff-alarms", "alarms", nil, "light", both},
			{"staff-backups", "backups", nil, "light", desk},
			{"staff-audit", "audit", nil, "dark", desk},
		}},
	}
)

func (d door) pictures(base, out, only string, logins []tour.Login) error {
	var wanted []shot
	for _, s := range d.shots {
		if strings.Contains(s.name, only) {
			wanted = append(wanted, s)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	page, quit, err := tour.Open(ctx)
	if err != nil {
		return err
	}
	defer quit()
	login, err := tour.Find(logins, d.path, d.who)
	if err != nil {
		return err
	}
	if err := tour.SignIn(page, base, login); err != nil {
		return err
	}
	for _, s := range wanted {
		for _, view := range s.views {
			file := filepath.Join(out, s.name+"-"+view.Name+".png")
			if err := s.take(page, base+d.path, view, file); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			fmt.Println(file)
		}
	}
	return nil
}

func (s shot) take(page context.Context, door string, view tour.View, file string) error {
	if err := view.Use(page); err != nil {
		return err
	}
	if err := tour.Do(page, chromedp.Navigate(door+s.path+"?theme="+s.theme), chromedp.Navigate(door+s.path)); err != nil {
		return err
	}
	for _, link := range s.click {
		if err := tour.Do(page, chromedp.Click(chromedp.CSS(link)), chromedp.Sleep(time.Second)); err != nil {
			return err
		}
	}
	status, err := chromedp.Run(page, chromedp.Evaluate[int](`performance.getEntriesByType("navigation")[0].responseStatus`))
	if err != nil || status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("the page answers %d", status))
	}
	return view.Picture(page, file)
}
