// Verifies a folder of C2SP tlog-tiles with Go's own sumdb/note and sumdb/tlog: its checkpoint, the
// witness's cosignature on it, every entry's inclusion, and its consistency with an earlier checkpoint.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	cosigned "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder string

func (f folder) Height() int                                { return height }
func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// C2SP tlog-tiles has sumdb's tiles of height 8, without the height in their path.
func (f folder) path(tile tlog.Tile) string {
	return filepath.Join(string(f), "tile", strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height)))
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		bytes, err := os.ReadFile(f.path(tile))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

// A checkpoint has tlog's own three lines under another first line.
func open(path string, verifiers ...note.Verifier) (tlog.Tree, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(bytes, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(opened.Sigs) != len(verifiers) || len(opened.UnverifiedSigs) != 0 {
		return tlog.Tree{}, fmt.Errorf("%d of %d signatures verified", len(opened.Sigs), len(verifiers))
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != verifiers[0].Name() {
		return tlog.Tree{}, fmt.Errorf("it is of %s", origin)
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func entries(f folder, size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		tile := tlog.Tile{H: height, L: -1, N: n, W: int(min(256, size-n*256))}
		path := strings.Replace(f.path(tile), "/tile/data/", "/tile/entries/", 1)
		bytes, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for len(bytes) > 0 {
			length := int(binary.BigEndian.Uint16(bytes))
			all = append(all, bytes[2:2+length])
			bytes = bytes[2+length:]
		}
	}
	return all, nil
}

func verify(dir, earlierPath, logKey, witnessKey string) (int64, error) {
	log, err := note.NewVerifier(logKey)
	if err != nil {
		return 0, err
	}
	witness, err := cosigned.NewVerifierForCosignatureV1(witnessKey)
	if err != nil {
		return 0, err
	}
	tree, err := open(filepath.Join(dir, "checkpoint"), log, witness)
	if err != nil {
		return 0, err
	}
	reader := tlog.TileHashReader(tree, folder(dir))
	all, err := entries(folder(dir), tree.N)
	if err != nil {
		return 0, err
	}
	if int64(len(all)) != tree.N {
		return 0, fmt.Errorf("the bundles hold %d entries, the checkpoint says %d", len(all), tree.N)
	}
	for n, entry := range all {
		proof, err := tlog.ProveRecord(tree.N, int64(n), reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(n), tlog.RecordHash(entry)); err != nil {
			return 0, err
		}
	}
	earlier, err := open(earlierPath, log, witness)
	if err != nil {
		return 0, err
	}
	proof, err := tlog.ProveTree(tree.N, earlier.N, reader)
	if err != nil {
		return 0, err
	}
	return tree.N, tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash)
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, errors.New("usage: verify FOLDER EARLIER_CHECKPOINT LOG_VKEY WITNESS_VKEY"))
		os.Exit(2)
	}
	size, err := verify(os.Args[1], os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d entries verified\n", size)
}
