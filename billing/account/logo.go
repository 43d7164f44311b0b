package account

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/jackc/pgx/v5"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"tollhouse/billing/tenant"
)

// Logo is the operator's picture at the head of its pages: always a PNG that
// we drew ourselves from the file that came, so that nothing else of the file
// is ever served.
type Logo struct {
	Hash    string // of the picture, for its address
	Picture []byte
}

// Bounds of a logo. What comes may be large on the outside, never in memory:
// its size in pixels is read before a single one is drawn.
const (
	MaxLogoBytes  = 200 << 10 // of the file that comes
	maxLogoSource = 2048      // pixels a side, of the file that comes
	minLogoSource = 16
	maxLogoSide   = 256 // pixels a side, of what is kept: twice what pages show on fine screens, and more
)

// picture reads one format: first its size alone, then the whole.
type picture struct {
	magic  []byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// The formats are told by their first bytes, whatever the file is called. SVG
// is a page that can carry script, so it is not among them.
var pictures = []picture{
	{[]byte("\x89PNG\r\n\x1a\n"), png.DecodeConfig, png.Decode},
	{[]byte("\xff\xd8\xff"), jpeg.DecodeConfig, jpeg.Decode},
	{[]byte("RIFF"), webp.DecodeConfig, webp.Decode},
}

func logoError(want string) error { return &FieldError{"logo", want} }

// ReadLogo draws a logo from a PNG, JPEG or WebP file; a *FieldError says what
// is wrong with it.
func ReadLogo(file []byte) (Logo, error) {
	if len(file) > MaxLogoBytes {
		return Logo{}, logoError("a file of at most 200 KB")
	}
	drawn, err := decodeLogo(file)
	if err != nil {
		return Logo{}, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, fitted(drawn)); err != nil {
		return Logo{}, fmt.Errorf("draw logo: %w", err)
	}
	sum := sha256.Sum256(out.Bytes())
	return Logo{Hash: hex.EncodeToString(sum[:8]), Picture: out.Bytes()}, nil
}

func decodeLogo(file []byte) (image.Image, error) {
	for _, p := range pictures {
		if !bytes.HasPrefix(file, p.magic) {
			continue
		}
		size, err := p.config(bytes.NewReader(file))
		if err != nil {
			break
		}
		if min(size.Width, size.Height) < minLogoSource || max(size.Width, size.Height) > maxLogoSource {
			return nil, logoError("a picture of 16 to 2048 pixels a side")
		}
		drawn, err := p.decode(bytes.NewReader(file))
		if err != nil {
			break
		}
		return drawn, nil
	}
	return nil, logoError("a picture as PNG, JPEG or WebP")
}

// fitted brings a picture into the size that is kept, with its proportions.
func fitted(from image.Image) image.Image {
	size := from.Bounds().Size()
	longest := max(size.X, size.Y)
	if longest > maxLogoSide {
		size = image.Pt(max(size.X*maxLogoSide/longest, 1), max(size.Y*maxLogoSide/longest, 1))
	}
	to := image.NewNRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
	return to
}

// PutLogo shows a logo from now on.
func PutLogo(ctx context.Context, tx tenant.Tx, l Logo) error {
	if err := retireLogo(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		insert into operator_logo (id, picture, hash, changed_at) values (1, $1, $2, $3)
		on conflict (id) do update set picture = $1, hash = $2, changed_at = $3`, l.Picture, l.Hash, tx.At)
	if err != nil {
		return fmt.Errorf("keep logo: %w", err)
	}
	return nil
}

// RemoveLogo shows the operator's letters again. Without a logo nothing changes.
func RemoveLogo(ctx context.Context, tx tenant.Tx) error {
	return retireLogo(ctx, tx)
}

// retireLogo takes the logo off pages and keeps it: documents were printed with it.
func retireLogo(ctx context.Context, tx tenant.Tx) error {
	if _, err := tx.Exec(ctx, `
		update operator_logo set id = (select max(id) + 1 from operator_logo) where id = 1`); err != nil {
		return fmt.Errorf("retire logo: %w", err)
	}
	return nil
}

// LogoOf reads the picture of a hash, also of a logo that was; ErrNotFound if
// there was none.
func LogoOf(ctx context.Context, tx tenant.Tx, hash string) (picture []byte, err error) {
	err = tx.QueryRow(ctx, `select picture from operator_logo where hash = $1 order by id limit 1`, hash).Scan(&picture)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("logo %s: %w", hash, ErrNotFound)
	}
	return picture, err
}

// GetLogo reads the logo; ErrNotFound if there is none.
func GetLogo(ctx context.Context, tx tenant.Tx) (Logo, error) {
	var l Logo
	err := tx.QueryRow(ctx, `select hash, picture from operator_logo where id = 1`).Scan(&l.Hash, &l.Picture)
	if errors.Is(err, pgx.ErrNoRows) {
		return Logo{}, fmt.Errorf("logo: %w", ErrNotFound)
	}
	if err != nil {
		return Logo{}, fmt.Errorf("read logo: %w", err)
	}
	return l, nil
}
