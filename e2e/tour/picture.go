package tour

import (
	"context"
	"fmt"
	"os"
	"time"

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

// settle is how long fonts and a new size take.
const settle = 300 * time.Millisecond

// tallest bounds a picture: a longer page is cut.
const tallest = 4000

// Picture takes the whole open page as a PNG file, on a screen as tall as the
// page, so that what sticks to the screen's foot stands at the page's.
func (v View) Picture(page context.Context, file string) error {
	height, err := chromedp.Run(page, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return fmt.Errorf("picture %s: %w", file, err)
	}
	tall := v
	tall.Height = min(max(height, v.Height), tallest)
	if err := tall.Use(page); err != nil {
		return err
	}
	if err := Do(page, chromedp.Sleep(settle)); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(page, actionTime)
	defer cancel()
	const quality = 100 // PNG
	png, err := chromedp.Run(short, chromedp.FullScreenshot(quality))
	if err != nil {
		return fmt.Errorf("picture %s: %w", file, err)
	}
	return os.WriteFile(file, png, 0o644)
}
