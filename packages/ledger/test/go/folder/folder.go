// Command folder verifies an export folder of a log with Go's own golang.org/x/mod/sumdb/{note,tlog} and nothing of ours: the checkpoint's
// signature, and for every record of every bundle that the tiles prove it under the checkpoint's root.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

func main() {
	records, err := verify(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(records)
}

func verify(folder, key string) (int64, error) {
	tree, err := open(folder, key)
	if err != nil {
		return 0, err
	}
	hashes := tlog.TileHashReader(tree, disk{folder})
	for bundle := int64(0); bundle*width < tree.N; bundle++ {
		count := tree.N - bundle*width
		if count > width {
			count = width
		}
		entries, err := read(folder, bundle, count)
		if err != nil {
			return 0, err
		}
		for place, entry := range entries {
			index := bundle*width + int64(place)
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return 0, err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return 0, fmt.Errorf("record %d: %w", index, err)
			}
		}
	}
	return tree.N, nil
}

// open verifies the folder's checkpoint with the key and returns the tree it names.
func open(folder, key string) (tlog.Tree, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// read takes a bundle apart: each entry after its length in 16 bits, big endian.
func read(folder string, bundle, count int64) ([][]byte, error) {
	path := strings.Replace(pathOf(tlog.Tile{H: 8, L: 0, N: bundle, W: int(count)}), "tile/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(folder, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is cut off", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("%s holds %d entries, not %d", path, len(entries), count)
	}
	return entries, nil
}

type disk struct{ folder string }

func (d disk) Height() int                     { return 8 }
func (d disk) SaveTiles([]tlog.Tile, [][]byte) {}
func (d disk) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(d.folder, pathOf(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// pathOf is the path of C2SP tlog-tiles, which lacks the height that Go puts into its own.
func pathOf(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}
