package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"drbdutils/internal/cli"
	"drbdutils/netlinkapi/fake"
)

// start runs one node until it is told to stop.
func start(ctx context.Context, env cli.Env, o options, words []string) error {
	dir, err := filepath.Abs(words[0])
	if err != nil {
		return err
	}
	if o.node == "" {
		o.node = filepath.Base(dir)
	}
	node, err := fake.NewNode(dir, fake.Config{
		Node: o.node, Version: o.module, ResyncRate: o.rate, Helper: helper(dir, o),
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "env"), []byte(environment(dir, o.node)), 0o644); err != nil {
		return err
	}
	if err := configure(dir, o.config); err != nil {
		return err
	}
	return node.Run(ctx, func() {
		fmt.Fprintf(env.Stdout, "node %s is ready; use it with: . %s\n", o.node, filepath.Join(dir, "env"))
	})
}

// configure makes a file, if one is given, the configuration of a node.
func configure(dir, config string) error {
	if config == "" {
		return nil
	}
	config, err := filepath.Abs(config)
	if err == nil {
		_, err = os.Stat(config)
	}
	if err != nil {
		return err
	}
	link := filepath.Join(dir, "etc", "drbd.conf")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(config, link)
}

// environment returns shell commands that point the tools at a node.
func environment(dir, node string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	return fmt.Sprintf("export DRBD_FAKE=%s __DRBD_NODE__=%s\n", quote(dir), quote(node))
}

// helper returns what runs handlers, nil for nothing.
func helper(dir string, o options) func(context.Context, []string, []string) uint32 {
	if o.helper == "" {
		return nil
	}
	return func(ctx context.Context, args, env []string) uint32 {
		cmd := exec.CommandContext(ctx, o.helper, args...)
		cmd.Env = append(env, "DRBD_FAKE="+dir, "__DRBD_NODE__="+o.node)
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return uint32(exit.Sys().(syscall.WaitStatus))
		}
		if err != nil { // as if a shell had not found it
			return 127 << 8
		}
		return 0
	}
}

// cluster starts nodes in processes of their own.
func cluster(ctx context.Context, env cli.Env, o options, words []string) error {
	dir, names := words[0], words[1:]
	if n, err := strconv.Atoi(names[0]); err == nil && len(names) == 1 {
		names = nil
		for i := range n {
			names = append(names, fmt.Sprintf("node%d", i+1))
		}
	}
	for _, name := range names {
		if err := spawn(env, o, filepath.Join(dir, name), name); err != nil {
			_ = stopAll(ctx, env, o, []string{dir}) // those that did start, if any
			return err
		}
	}
	return nil
}

// spawn starts a node in the background and waits until it is ready.
func spawn(env cli.Env, o options, dir, name string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, "start", dir, "--node="+name, "--module="+o.module,
		"--rate="+strconv.FormatInt(o.rate, 10), "--helper="+o.helper, "--config="+o.config)
	cmd.Stderr, cmd.SysProcAttr = log, &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		why, _ := os.ReadFile(log.Name())
		return fmt.Errorf("node %s did not start: %s", name, bytes.TrimSpace(why))
	}
	fmt.Fprint(env.Stdout, line)
	return cmd.Process.Release()
}

// stopAll ends the node in a directory, or those in the directories below it.
func stopAll(_ context.Context, _ cli.Env, _ options, words []string) error {
	sockets, err := filepath.Glob(filepath.Join(words[0], "*", "control.sock"))
	if err != nil {
		return err
	}
	own := filepath.Join(words[0], "control.sock")
	if _, err := os.Stat(own); err == nil {
		sockets = append(sockets, own)
	}
	stopped := 0
	for _, socket := range sockets {
		if _, err := tell(filepath.Dir(socket), "crash"); err == nil {
			stopped++
			awaitEnd(socket)
		}
	}
	if stopped == 0 {
		return fmt.Errorf("%s: %w", words[0], errNoNode)
	}
	return nil
}

// endTime is how long a node may take to end.
const endTime = 5 * time.Second

// awaitEnd waits until a node is gone.
func awaitEnd(socket string) {
	for end := time.Now().Add(endTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		c.Close()
	}
}

// ctl sends one command to a node.
func ctl(_ context.Context, env cli.Env, _ options, words []string) error {
	answer, err := tell(words[0], strings.Join(words[1:], " "))
	if answer != "" {
		fmt.Fprintln(env.Stdout, answer)
	}
	return err
}

// tell sends a line to a node's control socket and returns the answer.
func tell(dir, line string) (string, error) {
	c, err := net.Dial("unix", filepath.Join(dir, "control.sock"))
	if err != nil {
		return "", fmt.Errorf("%s: %w", dir, errNoNode)
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	var answer []string
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, 128<<20)
	for lines.Scan() && lines.Text() != "" {
		answer = append(answer, lines.Text())
	}
	if lines.Err() != nil {
		return "", lines.Err()
	}
	if len(answer) == 0 {
		return "", errNoNode
	}
	if problem, bad := strings.CutPrefix(answer[0], "error "); bad {
		return "", errors.New(problem)
	}
	return strings.Join(answer[1:], "\n"), nil
}
