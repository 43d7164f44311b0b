package door

import (
	"fmt"
	"image/color"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quietZone is the light border that readers want around a code, in modules
// (ISO/IEC 18004).
const quietZone = 4

// qrCode is a QR code as one path of a square with Size units a side.
type qrCode struct {
	Size int
	Path string // of the dark modules
}

// drawQR draws a text. Medium correction: the code is read from a clean screen.
func drawQR(text string) (qrCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return qrCode{}, fmt.Errorf("draw QR code: %w", err)
	}
	side := code.Bounds().Dx()
	var path strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			run := x
			for run < side && isDark(code.At(run, y)) {
				run++
			}
			if run > x {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, run-x, run-x)
				x = run
			}
		}
	}
	return qrCode{side + 2*quietZone, path.String()}, nil
}

// ViewBox is the square that the path is drawn in.
func (q qrCode) ViewBox() string {
	side := strconv.Itoa(q.Size)
	return "0 0 " + side + " " + side
}

func isDark(c color.Color) bool {
	r, _, _, _ := c.RGBA()
	return r == 0
}

// QR draws a text as one path of dark modules, in the square of ViewBox.
func QR(text string) (viewBox, path string, err error) {
	code, err := drawQR(text)
	return code.ViewBox(), code.Path, err
}
