package org.luthier.shell.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Function;
import org.jline.builtins.Completers.CompletionData;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser.ParseContext;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.LineReaderImpl;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands inside a real Gogo, without a framework. */
class GogoTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final CommandProcessorImpl gogo = new CommandProcessorImpl(null);
    private final CommandSession session = gogo.createSession(new ByteArrayInputStream(new byte[0]), out, err);
    private final Shell shell = new Shell(name -> null);

    @AfterEach
    void close() {
        session.close();
        gogo.stop();
    }

    private ToyCommand offer(ToyCommand.Work work) {
        ToyCommand command = new ToyCommand(name -> null, work);
        shell.add(command);
        gogo.addCommand("toy", new GogoCommand(command, name -> null, new ControlC()), "play");
        return command;
    }

    @Test
    void runsACommandWithTheStreamsOfItsSession() throws Exception {
        offer((options, console) -> {
            console.print("played " + options.files);
            console.remark("gladly");
            return 0;
        });
        assertNull(session.execute("toy:play 'a b.wav' --threshold 0.25"));
        assertEquals("played [a b.wav]\n", out.toString(StandardCharsets.UTF_8));
        assertEquals("gladly\n", err.toString(StandardCharsets.UTF_8));
    }

    /** Examples of the help can be pasted into the shell. */
    @Test
    void understandsACommandAsTheHelpWritesIt() throws Exception {
        ToyCommand command = offer((options, console) -> 0);
        gogo.addCommand("luthier", GogoCommand.luthier(shell, name -> null, new ControlC()), "luthier");
        session.put("SCOPE", "luthier:*");
        session.execute("luthier toy:play 'a b.wav'");
        assertEquals(List.of(Path.of("a b.wav")), command.seen.files);
        assertEquals("", out.toString(StandardCharsets.UTF_8));
        session.execute("luthier");
        assertTrue(out.toString(StandardCharsets.UTF_8).startsWith("Usage: luthier"), out.toString());
        session.execute("luthier toy:pley a.wav");
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("did you mean toy:play?"), err.toString());
        assertEquals(2, session.get("luthier.exit"));
    }

    @Test
    void saysInOneLineThatAWordIsNoCommand() throws Exception {
        offer((options, console) -> 0);
        gogo.addCommand("luthier", GogoCommand.unknown(shell, name -> null), "default");
        session.put("SCOPE", "luthier:*");
        assertNull(session.execute("toy:pley a.wav"));
        assertEquals(
                "luthier: unknown command 'toy:pley'; did you mean toy:play? (a script has exit and Luthier's commands"
                        + " only; help lists them)\n",
                err.toString(StandardCharsets.UTF_8));
        assertEquals(2, session.get("luthier.exit"));
        session.execute("grep x && toy:play a.wav");
        assertEquals(2, session.get("luthier.exit"));
    }

    @Test
    void headAndTailTakeTheNumberThatPeopleWrite() throws Exception {
        List<String> got = new ArrayList<>();
        gogo.addCommand(
                "gogo",
                (Function) (asking, arguments) ->
                        arguments.stream().map(String::valueOf).map(got::add).toList(),
                "tail");
        gogo.addCommand("luthier", GogoCommand.lines("gogo:tail", GogoCommand.unknown(shell, name -> null)), "tail");
        gogo.addCommand("luthier", GogoCommand.lines("gogo:head", GogoCommand.unknown(shell, name -> null)), "head");
        session.put("SCOPE", "luthier:gogo:*");
        session.execute("tail -1");
        session.execute("tail -n 3 a-1");
        assertEquals(List.of("-n", "1", "-n", "3", "a-1"), got);
        session.execute("head -1");
        assertTrue(
                err.toString(StandardCharsets.UTF_8).startsWith("luthier: unknown command 'head'"),
                "where Gogo brings none: " + err);
    }

    @Test
    void exitEndsItsLineAndLeavesItsCode() throws Exception {
        ToyCommand command = offer((options, console) -> 0);
        gogo.addCommand("luthier", GogoCommand.exit(name -> null), "exit");
        session.put("SCOPE", "luthier:*");
        for (String wrong : List.of("exit 256", "exit -1", "exit 1 2", "exit now")) {
            session.execute(wrong);
            assertEquals(2, session.get("luthier.exit"), wrong);
            assertNull(session.get("luthier.left"), wrong);
        }
        assertEquals(4, err.toString(StandardCharsets.UTF_8).lines().count(), err.toString());
        assertThrows(GogoCommand.Left.class, () -> session.execute("exit; toy:play a.wav"));
        assertEquals("", session.get("luthier.left"));
        assertThrows(GogoCommand.Left.class, () -> session.execute("exit 3"));
        assertEquals("3", session.get("luthier.left"));
        assertNull(command.seen);
    }

    @Test
    void tellsGogoThatItFailed() throws Exception {
        ToyCommand command = offer((options, console) -> options.files.get(0).endsWith("bad") ? 1 : 0);
        session.execute("toy:play bad && toy:play second");
        assertEquals(List.of(Path.of("bad")), command.seen.files);
        assertEquals(1, session.get("luthier.exit"));
        session.execute("toy:play good && toy:play second");
        assertEquals(List.of(Path.of("second")), command.seen.files);
    }

    @Test
    void looksForFilesInTheSessionsFolder(@TempDir Path folder) throws Exception {
        ToyCommand command = offer((options, console) -> 0);
        session.currentDir(folder);
        session.execute("toy:play a.wav");
        assertEquals(List.of(folder.resolve("a.wav")), command.seen.files);
    }

    @Test
    void endsWhenItsJobIsInterrupted() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        GogoCommand command = new GogoCommand(
                new ToyCommand(name -> null, (options, console) -> {
                    running.countDown();
                    new CountDownLatch(1).await();
                    return 0;
                }),
                name -> null,
                new ControlC());
        Function watched = (asking, arguments) -> {
            Object result = command.execute(asking, arguments);
            ended.countDown();
            return result;
        };
        gogo.addCommand("toy", watched, "play");
        Thread user = new Thread(() -> {
            try {
                running.await();
                session.foregroundJob().interrupt();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        user.start();
        assertThrows(InterruptedException.class, () -> session.execute("toy:play a.wav"));
        user.join();
        ended.await();
        assertEquals("luthier: interrupted\n", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void controlCEndsTheLineAfterItsCommandHasCleanedUp() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        List<String> done = new CopyOnWriteArrayList<>();
        offer((options, console) -> {
            try {
                running.countDown();
                new CountDownLatch(1).await();
            } finally {
                done.add("cleaned up");
            }
            return 0;
        });
        gogo.addCommand("toy", (Function) (asking, arguments) -> done.add("next"), "next");
        try (Terminal terminal = terminal(new ByteArrayOutputStream())) {
            session.put(".terminal", terminal);
            Thread user = new Thread(() -> {
                try {
                    running.await();
                    terminal.raise(Terminal.Signal.INT);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            user.start();
            Exception shown = assertThrows(Exception.class, () -> session.execute("toy:play a.wav; toy:next"));
            user.join();
            // Gogo's shell prints this text, and then the prompt.
            assertEquals("luthier: interrupted", shown.toString());
            assertEquals(List.of("cleaned up"), done);
            assertEquals(130, session.get("luthier.exit"));
        }
    }

    @Test
    void aSecondControlCLeavesACommandThatDoesNotEnd() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        offer((options, console) -> {
            running.countDown();
            while (over.getCount() > 0) {
                try {
                    over.await();
                } catch (InterruptedException e) {
                    asked.countDown();
                }
            }
            ended.countDown();
            return 0;
        });
        try (Terminal terminal = terminal(new ByteArrayOutputStream())) {
            session.put(".terminal", terminal);
            Thread user = new Thread(() -> {
                try {
                    running.await();
                    terminal.raise(Terminal.Signal.INT);
                    asked.await();
                    terminal.raise(Terminal.Signal.INT);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            user.start();
            assertThrows(InterruptedException.class, () -> session.execute("toy:play a.wav"));
            user.join();
            over.countDown();
            ended.await();
        }
    }

    private static Terminal terminal(ByteArrayOutputStream screen) throws IOException {
        return TerminalBuilder.builder()
                .system(false)
                .dumb(true)
                .streams(new ByteArrayInputStream(new byte[0]), screen)
                .encoding(StandardCharsets.UTF_8)
                .build();
    }

    @Test
    void writesToTheTerminalThoughInterrupted() throws Exception {
        ByteArrayOutputStream screen = new ByteArrayOutputStream();
        offer((options, console) -> {
            Thread.currentThread().interrupt();
            console.print("to the screen");
            console.remark("a remark");
            return 0;
        });
        try (Terminal terminal = terminal(screen)) {
            session.put(".terminal", terminal);
            session.execute("toy:play a.wav");
            terminal.flush();
        }
        assertTrue(screen.toString(StandardCharsets.UTF_8).contains("to the screen"), screen.toString());
        assertTrue(screen.toString(StandardCharsets.UTF_8).contains("a remark"), screen.toString());
        assertEquals("", out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void offersOptionsAndValuesForCompletion() throws Exception {
        offer((options, console) -> 0);
        Completions completions = new Completions(shell);
        gogo.addListener(completions);
        gogo.addCommand("luthier", completions, "_values");
        gogo.addCommand("gogo", (Function) (asking, arguments) -> List.of("files"), "__files");
        Map<String, List<CompletionData>> told = new HashMap<>();
        session.put(".completions", told);
        session.put("SCOPE", "gogo:*");
        session.execute("toy:play a.wav");

        assertEquals("luthier:gogo:*", session.get("SCOPE"));
        assertEquals(
                List.of("luthier:help", "toy:play"),
                told.keySet().stream().sorted().toList());
        List<String> options = told.get("toy:play").stream()
                .filter(each -> each.options != null)
                .flatMap(each -> each.options.stream())
                .toList();
        assertTrue(
                options.containsAll(List.of("-o", "--part", "--threshold", "--melody", "--quiet")), options.toString());

        assertEquals(List.of("other", "usual"), values("toy:play --part "));
        assertEquals(List.of("files"), values("toy:play -o "));
        assertEquals(List.of("files"), values("toy:play --melody "));
        assertEquals(List.of("files"), values("toy:play a.wav "));
        assertEquals(List.of(), values("toy:play --threshold "));
    }

    private Object values(String typed) throws Exception {
        session.put(".commandLine", new DefaultParser().parse(typed, typed.length()));
        return session.execute("luthier:_values");
    }

    /** Gogo's own parser dies of the first blank, and its shell with it. What TAB writes is read back as the same word. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "a b.wav",
                " two  blanks at both ends ",
                "a;b|c&d$e`f.wav",
                "it's \"quoted\".wav",
                "[live] (take 2) {x} *?.wav",
                "50% #1 ~me !now \\back.wav",
                "caf\u00e9 \u97f3.wav",
                "plain-name_1.2,3+4@5=6.wav"
            })
    void whatTabWritesIsReadAsTheFileItStandsFor(String name) throws Exception {
        ToyCommand command = offer((options, console) -> 0);
        EscapingParser parser = new EscapingParser(new org.apache.felix.gogo.jline.Parser());
        for (String begun : List.of("", name.substring(0, 1), "'", "\"")) {
            String typed = "toy:play " + (begun.equals(" ") ? "\\ " : begun);
            ParsedLine line = parser.parse(typed, typed.length(), ParseContext.COMPLETE);
            CharSequence written = ((CompletingParsedLine) line).escape(name, true);
            session.execute("toy:play " + written);
            assertEquals(List.of(Path.of(name)), command.seen.files, typed);
            // A second TAB finds the word that the first one wrote.
            String again = "toy:play " + written;
            assertEquals(
                    name,
                    parser.parse(again, again.length(), ParseContext.COMPLETE).word());
        }
        assertSame(
                org.apache.felix.gogo.jline.ParsedLineImpl.class,
                parser.parse("toy:play a", 10, ParseContext.ACCEPT_LINE).getClass());
    }

    @Test
    void theShellsReaderEscapesByItself() throws Exception {
        offer((options, console) -> 0);
        gogo.addListener(new Completions(shell));
        try (Terminal terminal = terminal(new ByteArrayOutputStream())) {
            LineReaderImpl reader = new LineReaderImpl(terminal);
            reader.setParser(new org.apache.felix.gogo.jline.Parser());
            session.put(".reader", reader);
            session.put(".completions", new HashMap<>());
            session.execute("toy:play a.wav");
            session.execute("toy:play a.wav");
            ParsedLine line = reader.getParser().parse("toy:play x", 10, ParseContext.COMPLETE);
            assertEquals("a\\ b", ((CompletingParsedLine) line).escape("a b", true));
        }
    }

    @Test
    void leavesAScriptAlone() throws Exception {
        offer((options, console) -> 0);
        gogo.addListener(new Completions(shell));
        session.put("SCOPE", "gogo:*");
        session.execute("toy:play a.wav");
        assertEquals("gogo:*", session.get("SCOPE"));
        assertFalse(out.toString(StandardCharsets.UTF_8).contains("null"));
    }
}
