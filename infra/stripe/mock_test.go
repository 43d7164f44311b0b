package stripe_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// stripeMock builds Stripe's own mock, pinned in tools/stripemock, once a run
// and starts it for the test. It checks every request against the OpenAPI
// description of the API that stripe-go v76 speaks.
func stripeMock(t *testing.T) (baseURL string) {
	t.Helper()
	program, err := buildMock()
	if err != nil {
		t.Fatalf("stripe-mock can't be built: %v\nRun it by hand to see more, with access to Go modules or after go mod download in tools/stripemock:\n  go build -C tools/stripemock -o /tmp/stripe-mock github.com/stripe/stripe-mock", err)
	}
	address := freeAddress(t)
	command := exec.Command(program, "-http-addr", address)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	awaitMock(t, "http://"+address)
	return "http://" + address
}

var buildMock = sync.OnceValues(func() (string, error) {
	program := filepath.Join(mockDir, "stripe-mock")
	build := exec.Command("go", "build", "-C", filepath.Join("..", "..", "tools", "stripemock"), "-o", program, "github.com/stripe/stripe-mock")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return program, nil
})

// mockDir outlives single tests, as the program is built once.
var mockDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "stripe-mock-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		mockDir = dir
		return m.Run()
	}())
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func awaitMock(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get(url); err == nil {
			_ = response.Body.Close()
			return
		}
	}
	t.Fatal("stripe-mock does not answer")
}
