// The peer of the tile writer: Tessera's POSIX driver, which writes a tiled log into a folder. Prints one line of JSON:
// entries a second at a concurrency, and the median time of a lonely entry. An entry is done when it is integrated
// (durable in its bundle, and in the tree) and, as the second figure of each, when a published checkpoint covers it.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const entryBytes = 1024

// The shortest that the driver allows: what it is asked here is how soon, not how seldom.
const checkpointInterval = 100 * time.Millisecond

// Of a batch that is not full. The driver's default, 250 ms, would be all that a lonely entry waits for.
const lonelyBatchAge = time.Millisecond

type figures struct {
	PerSecond          float64 `json:"perSecond"`
	LonelyIntegratedMs float64 `json:"lonelyIntegratedMs"`
	LonelyPublishedMs  float64 `json:"lonelyPublishedMs"`
}

func entry(index uint64) *tessera.Entry {
	bytes := make([]byte, entryBytes)
	binary.BigEndian.PutUint64(bytes, index+1)
	return tessera.NewEntry(bytes)
}

func open(ctx context.Context, dir string, batch uint, batchAge time.Duration) (*tessera.Appender, func(context.Context) error, *tessera.PublicationAwaiter, error) {
	secret, _, err := note.GenerateKey(rand.Reader, "bench.example/tessera")
	if err != nil {
		return nil, nil, nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, nil, nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, nil, nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(batch, batchAge).
		WithCheckpointInterval(checkpointInterval)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, nil, nil, err
	}
	return appender, shutdown, tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, time.Millisecond), nil
}

// Every caller waits for its own entry before it brings the next one; the last checkpoint ends the measurement.
func flood(ctx context.Context, dir string, entries uint64, callers int) (float64, error) {
	appender, shutdown, awaiter, err := open(ctx, dir, uint(callers), tessera.DefaultBatchMaxAge)
	if err != nil {
		return 0, err
	}
	var next atomic.Uint64
	var wait sync.WaitGroup
	failures := make(chan error, callers)
	start := time.Now()
	for range callers {
		wait.Go(func() {
			for index := next.Add(1) - 1; index < entries; index = next.Add(1) - 1 {
				if _, err := appender.Add(ctx, entry(index))(); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	wait.Wait()
	last := appender.Add(ctx, entry(entries))
	if _, _, err := awaiter.Await(ctx, last); err != nil {
		return 0, err
	}
	took := time.Since(start)
	select {
	case err := <-failures:
		return 0, err
	default:
	}
	return float64(entries+1) / took.Seconds(), shutdown(ctx)
}

func lonely(ctx context.Context, dir string, entries uint64) (integrated, published float64, err error) {
	appender, shutdown, awaiter, err := open(ctx, dir, 1, lonelyBatchAge)
	if err != nil {
		return 0, 0, err
	}
	var first, second []float64
	for index := range entries {
		start := time.Now()
		future := appender.Add(ctx, entry(index))
		if _, err := future(); err != nil {
			return 0, 0, err
		}
		first = append(first, time.Since(start).Seconds()*1000)
		if _, _, err := awaiter.Await(ctx, future); err != nil {
			return 0, 0, err
		}
		second = append(second, time.Since(start).Seconds()*1000)
	}
	return median(first), median(second), shutdown(ctx)
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: tessera FOLDER ENTRIES CALLERS LONELY_ENTRIES")
	}
	var numbers [3]int
	for i := range numbers {
		number, err := strconv.Atoi(args[i+1])
		if err != nil {
			return err
		}
		numbers[i] = number
	}
	ctx := context.Background()
	perSecond, err := flood(ctx, filepath.Join(args[0], "flood"), uint64(numbers[0]), numbers[1])
	if err != nil {
		return err
	}
	integrated, published, err := lonely(ctx, filepath.Join(args[0], "lonely"), uint64(numbers[2]))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(figures{perSecond, integrated, published})
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
