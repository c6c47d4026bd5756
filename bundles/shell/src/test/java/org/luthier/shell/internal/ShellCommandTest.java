package org.luthier.shell.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;

class ShellCommandTest {
    private static final Surroundings NOTHING = name -> null;

    private final Captured captured = new Captured();

    private int run(ToyCommand command, String... arguments) {
        return command.execute(List.of(arguments), captured.console());
    }

    private static ToyCommand toy(ToyCommand.Work work) {
        return new ToyCommand(NOTHING, work);
    }

    private static ToyCommand done() {
        return toy((options, console) -> ShellCommand.DONE);
    }

    @Test
    void takesFileNamesAsTheyAre() {
        ToyCommand command = done();
        assertEquals(0, run(command, "a b;c$.wav", "@list", "x'y\".wav", "100%.wav", "${HOME}", "--", "--odd", "-o"));
        assertEquals(
                List.of("a b;c$.wav", "@list", "x'y\".wav", "100%.wav", "${HOME}", "--odd", "-o"),
                command.seen.files.stream().map(Path::toString).toList());
        assertEquals("", captured.err());
    }

    @Test
    void resolvesPathsAgainstTheCurrentFolder(@TempDir Path folder) {
        ToyCommand command = done();
        command.execute(List.of("a.wav", "/b.wav", "-o", "x.mid"), captured.console(false, false, folder));
        assertEquals(List.of(folder.resolve("a.wav"), Path.of("/b.wav")), command.seen.files);
        assertEquals(folder.resolve("x.mid"), command.seen.output);
    }

    @Test
    void offersParametersOfTheChosenPart() {
        ToyCommand command = done();
        assertEquals(0, run(command, "a.wav", "--threshold", "0.25", "--min-hz=80", "--limit", "7"));
        assertEquals(Map.of("threshold", "0.25", "min-hz", "80", "limit", "7"), command.seen.settings());

        assertEquals(0, run(command, "--colour", "blue", "a.wav", "--part", "other"));
        assertEquals(Map.of("colour", "blue"), command.seen.settings());
        assertEquals("other", command.seen.part);

        assertEquals(2, run(command, "a.wav", "--colour", "blue"));
        assertTrue(captured.err().startsWith("luthier: toy:play: unknown option --colour"), captured.err());
        assertTrue(captured.err().contains("luthier toy:play --help"), captured.err());
    }

    @ParameterizedTest
    @CsvSource({"--melody,true", "--no-melody,false", "--melody=false,false", "--melody=true,true"})
    void readsFlagsInEveryForm(String option, String value) {
        ToyCommand command = done();
        assertEquals(0, run(command, option, "a.wav"), captured.err());
        assertEquals(Map.of("melody", value), command.seen.settings());
        assertEquals(List.of(Path.of("a.wav")), command.seen.files);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a.wav --threshold 1.5|--threshold: expected a number from 0.0 to 1.0, got '1.5'",
                "a.wav --threshold loud|--threshold: expected a number from 0.0 to 1.0, got 'loud'",
                "a.wav --limit 1.5|--limit: expected a whole number from 0 to 100 frames, got '1.5'",
                "a.wav --limit|--limit",
                "a.wav -o --part other|-o",
                "a.wav --onset 3|unknown option --onset",
                "a.wav --threshhold 3|did you mean --threshold",
                "-o b.mid|FILE",
                "--threshhold=3|unknown option --threshhold=3; did you mean --threshold?",
                "-o b.mid --frobnicate|unknown option --frobnicate",
                "--frobnicate -o|unknown option --frobnicate",
                "a.wav --part other --part usual|--part",
                "a.wav --threads many|--threads",
                "a.wav --threads 0|--threads: expected a whole number from 1 to 1024, got 0",
                "a.wav --threads -1|--threads: expected a whole number from 1 to 1024, got -1",
                "a.wav --backend abacus|--backend: expected auto, cpu, nd4j-cuda, got 'abacus'",
            })
    void refusesWrongUsageInOneLineAndAHint(String arguments, String message) {
        assertEquals(2, run(done(), arguments.split(" ")));
        assertTrue(captured.err().contains(message), captured.err());
        assertEquals(2, captured.err().lines().count(), captured.err());
        assertEquals("", captured.out());
    }

    @Test
    void helpShowsOptionsParametersDefaultsAndExamples() {
        assertEquals(0, run(done(), "--help"));
        String help = captured.out();
        for (String part : List.of(
                "Plays.",
                "--part=PART",
                "Parameters of usual:",
                "--threshold=N",
                "Smallest share kept. (default: 0.5; from 0 to 1)",
                "--min-hz=HZ",
                "(default: not set; at least 0)",
                "(default: 11 frames; from 0 to 100)",
                "--[no-]melody",
                "--quiet",
                "Examples:",
                "  luthier toy:play a.wav")) {
            assertTrue(help.contains(part), part + " is missing in\n" + help);
        }
        assertFalse(help.contains("Has the name of an own option"), help);
    }

    @Test
    void helpShowsTheChosenPart() {
        assertEquals(0, run(done(), "--part", "other", "--help"));
        assertTrue(captured.out().contains("Colour, 100 % free. (default: red)"), captured.out());
    }

    @Test
    void tellsAFailureInOneLine() {
        assertEquals(
                1,
                run(
                        toy((options, console) -> {
                            throw new LuthierException("x.wav: no\nsound\u001b[31m");
                        }),
                        "x.wav"));
        assertEquals("luthier: x.wav: no sound [31m\n", captured.err());
    }

    @Test
    void endsWith130WhenCancelled() {
        assertEquals(
                130,
                run(
                        toy((options, console) -> {
                            throw new CancelledException();
                        }),
                        "x.wav"));
        assertEquals("luthier: interrupted\n", captured.err());
    }

    @Test
    void endsWith130WhateverAnInterruptedCommandThrows() {
        assertEquals(
                130,
                run(
                        toy((options, console) -> {
                            Thread.currentThread().interrupt();
                            throw new LuthierException("cannot read x.wav: channel closed");
                        }),
                        "x.wav"));
        assertEquals("luthier: interrupted\n", captured.err());
        assertFalse(Thread.currentThread().isInterrupted(), "the interruption is over with the command");
    }

    @Test
    void writesTheTraceOfADefectToTheLogs(@TempDir Path cache) throws Exception {
        Surroundings surroundings = Map.of("luthier.cache", cache.toString())::get;
        ToyCommand command = new ToyCommand(surroundings, (options, console) -> {
            throw new IllegalStateException("impossible");
        });
        assertEquals(1, run(command, "x.wav"));
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertTrue(
                captured.err().startsWith("luthier: internal error: java.lang.IllegalStateException: impossible"),
                captured.err());
        try (var logs = Files.list(cache.resolve("logs"))) {
            Path log = logs.findFirst().orElseThrow();
            assertTrue(captured.err().contains(log.toString()), captured.err());
            assertTrue(Files.readString(log).contains("ShellCommandTest"), "the trace is in the log");
        }
    }

    @Test
    void survivesLogsThatCannotBeWritten(@TempDir Path folder) throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        ToyCommand command = new ToyCommand(Map.of("luthier.cache", file.toString())::get, (options, console) -> {
            throw new IllegalStateException("impossible");
        });
        assertEquals(1, run(command, "x.wav"));
        assertEquals(1, captured.err().lines().count(), captured.err());
    }

    @Test
    void suggestsMoreMemory() {
        assertEquals(
                1,
                run(
                        toy((options, console) -> {
                            throw new OutOfMemoryError();
                        }),
                        "x.wav"));
        assertTrue(captured.err().contains("--heap"), captured.err());
        assertEquals(1, captured.err().lines().count(), captured.err());
    }

    @Test
    void passesOnWhatTheCommandFound() {
        assertEquals(3, run(toy((options, console) -> ShellCommand.FOUND), "x.wav"));
        assertEquals("", captured.err());
    }

    @Test
    void takesTheGlobalOptions() {
        ToyCommand command = toy((options, console) -> {
            console.remark("remark");
            console.warn("warning");
            return 0;
        });
        assertEquals(0, run(command, "x.wav", "--quiet", "--threads", "3", "--backend", "cpu", "--heap", "2g"));
        assertEquals("luthier: warning: warning\n", captured.err());
        assertNull(command.seen.part);
    }

    @Test
    void choosesTheHeapOnlyAtTheStart() {
        Surroundings interactive = Map.of("luthier.interactive", "true")::get;
        assertEquals(1, run(new ToyCommand(interactive, (options, console) -> 0), "x.wav", "--heap", "4g"));
        assertTrue(captured.err().contains("./luthier --heap 4g"), captured.err());
    }

    @Test
    void showsTheVersion() {
        assertEquals(0, run(done(), "--version"));
        assertTrue(captured.out().matches("luthier \\d+\\.\\d+\\.\\d+.*\n"), captured.out());
    }
}
