package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {
    @Test
    void nothingStartsTheShell() {
        Arguments arguments = Arguments.parse();
        assertEquals(List.of(), arguments.command());
        assertEquals("auto", arguments.backend());
    }

    @Test
    void globalOptionsBeforeTheCommandAreTheLaunchers() {
        Arguments arguments = Arguments.parse(
                "--backend", "cpu", "--threads=3", "--heap", "2g", "--quiet", "transcribe", "a b;c$.wav");
        assertEquals("cpu", arguments.backend());
        assertEquals(3, arguments.threads());
        assertTrue(arguments.quiet());
        assertEquals(List.of("transcribe", "a b;c$.wav"), arguments.command());
    }

    @Test
    void whatFollowsTheCommandIsLeftAsItIs() {
        String[] line = {"transcribe", "--notes", "--quiet", "--threads", "2", "", "-o", "x", "--", "--backend", "cuda"
        };
        Arguments arguments = Arguments.parse(line);
        assertEquals(List.of(line), arguments.command());
        assertEquals("auto", arguments.backend());
        assertFalse(arguments.quiet());
    }

    @Test
    void theBackendIsReadBehindTheCommandToo() {
        assertEquals(
                "nd4j-cuda", Arguments.parse("env", "--backend", "nd4j-cuda").backend());
        assertEquals("cuda", Arguments.parse("env", "--backend=cuda").backend());
        assertEquals("auto", Arguments.parse("env", "--backend").backend());
    }

    @Test
    void twoHyphensEndTheLaunchersOptions() {
        assertEquals(
                List.of("--strange name.wav"),
                Arguments.parse("--", "--strange name.wav").command());
    }

    @Test
    void helpBeforeACommandIsTheCommandsHelp() {
        Arguments arguments = Arguments.parse("--help", "transcribe", "x");
        assertFalse(arguments.help());
        assertEquals(List.of("transcribe", "--help", "x"), arguments.command());
        assertTrue(Arguments.parse("-h").help());
        assertTrue(Arguments.parse("--version").version());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nonsense",
                "-x",
                "--threads=0",
                "--threads=1025",
                "--threads=two",
                "--threads",
                "--heap=2",
                "--heap=-1g",
                "--heap=2gb",
                "--backend",
                "--quiet=no",
                "--help=yes"
            })
    void nonsenseIsWrongUsage(String option) {
        LaunchException e = assertThrows(LaunchException.class, () -> Arguments.parse(option));
        assertEquals(2, e.exitCode());
        assertTrue(e.getMessage().contains(option.split("=")[0]), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
    }
}
