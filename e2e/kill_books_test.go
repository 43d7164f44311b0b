package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
)

// wantBills: each account has one bill a month, of the sum that can be
// reckoned, and the numbers follow each other.
func (w *wreck) wantBills() {
	w.t.Helper()
	type bill struct {
		Number string
		State  string
		Period struct{ From string }
		Total  struct{ Amount string }
	}
	var numbers []int
	for n, account := range w.accounts {
		bills := pages[bill](w.t, w.c, "/accounts/"+account+"/bills", url.Values{})
		slices.Reverse(bills) // newest first
		if len(bills) != killMonths {
			w.t.Fatalf("subscriber %d has %d bills, want %d: %+v", n, len(bills), killMonths, bills)
		}
		for month, b := range bills {
			net := 1000 + w.seconds[month][n]
			total := net + (net*19+50)/100
			want := fmt.Sprintf("%d.%02d", total/100, total%100)
			if b.Period.From != day(month, 1, 0).Format(time.DateOnly) || b.Total.Amount != want || b.State != "final" {
				w.t.Errorf("subscriber %d, month %d: %+v, want %s", n, month+1, b, want)
			}
			_, digits, _ := strings.Cut(b.Number, "/")
			number, err := strconv.Atoi(digits)
			if err != nil {
				w.t.Fatalf("bill number %q: %v", b.Number, err)
			}
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for i, number := range numbers {
		if number != i+1 {
			w.t.Fatalf("bill numbers have a gap or a repeat: the %dth is %d", i+1, number)
		}
	}
}

// wantRevenue: all that was used and all fees, once.
func (w *wreck) wantRevenue() {
	w.t.Helper()
	cents := 1000 * killAccounts * killMonths
	for _, month := range w.seconds {
		for _, s := range month {
			cents += s
		}
	}
	want := money.DecimalOf(int64(cents), 2)
	for _, l := range w.c.trialBalance(w.t) {
		if l.Account == "revenue" && l.Unit == "EUR" && l.Debit == "0" && money.MustDecimal(l.Credit).Equal(want) {
			return
		}
	}
	w.t.Errorf("revenue is not %s in %+v", want, w.c.trialBalance(w.t))
}

// wantDurable asks the running server whether what it answers is on disk.
func (w *wreck) wantDurable() {
	w.t.Helper()
	password, err := os.ReadFile(filepath.Join(w.d.dir, "admin.password"))
	if err != nil {
		w.t.Fatal(err)
	}
	config, err := pgx.ParseConfig("")
	if err != nil {
		w.t.Fatal(err)
	}
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = filepath.Join(w.d.dir, "socket"), 5432, nil, nil
	config.User, config.Password, config.Database = "tollhouse_admin", strings.TrimSpace(string(password)), "tollhouse_host"
	conn, err := pgx.ConnectConfig(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := conn.QueryRow(w.t.Context(), "select current_setting($1)", setting).Scan(&value); err != nil {
			w.t.Fatal(err)
		}
		if value != "on" {
			w.t.Errorf("%s is %s", setting, value)
		}
	}
	// Nobody may be given another: a role's or a database's setting would count.
	var others int
	if err := conn.QueryRow(w.t.Context(), `select count(*) from pg_db_role_setting, unnest(setconfig) as s
		where s ~ '^(fsync|full_page_writes|synchronous_commit)='`).Scan(&others); err != nil || others > 0 {
		w.t.Errorf("%d roles or databases have their own durability (%v)", others, err)
	}
}
