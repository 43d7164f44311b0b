package tagged

import (
	"fmt"
	"image"
	"image/color"
)

// Picture is an image as a file holds it, made once and drawn by many documents.
type Picture struct {
	width, height int
	rgb, alpha    []byte // compressed; no alpha where nothing shines through
}

// maxPicture bounds a picture's sides, in pixels.
const maxPicture = 2048

// NewPicture takes an image over.
func NewPicture(img image.Image) (*Picture, error) {
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > maxPicture || size.Y > maxPicture {
		return nil, fmt.Errorf("a picture of %d by %d pixels cannot be printed", size.X, size.Y)
	}
	rgb, alpha, opaque := make([]byte, 0, 3*size.X*size.Y), make([]byte, 0, size.X*size.Y), true
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			rgb, alpha = append(rgb, c.R, c.G, c.B), append(alpha, c.A)
			opaque = opaque && c.A == 255
		}
	}
	p := &Picture{width: size.X, height: size.Y, rgb: deflate(rgb)}
	if !opaque {
		p.alpha = deflate(alpha)
	}
	return p, nil
}

// Size is the picture's width and height in pixels.
func (p *Picture) Size() (width, height int) { return p.width, p.height }
