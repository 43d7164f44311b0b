package tour

import (
	"context"
	"fmt"
	"os"

	"github.com/chromedp/chromedp"
)

// View is a screen that pages are looked at on.
type View struct {
	Name          string
	Width, Height int64
	Mobile        bool
}

// The screens of people who use the portals.
var (
	Phone   = View{"390", 390, 844, true}
	Desktop = View{"1440", 1440, 900, false}
)

// Use sets the screen.
func (v View) Use(page context.Context) error {
	var options []chromedp.EmulateViewportOption
	if v.Mobile {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	return Do(page, chromedp.EmulateViewport(v.Width, v.Height, options...))
}

// Picture takes the whole open page as a PNG file.
func Picture(page context.Context, file string) error {
	short, cancel := context.WithTimeout(page, actionTime)
	defer cancel()
	const quality = 100 // PNG
	png, err := chromedp.Run(short, chromedp.FullScreenshot(quality))
	if err != nil {
		return fmt.Errorf("picture %s: %w", file, err)
	}
	return os.WriteFile(file, png, 0o644)
}
