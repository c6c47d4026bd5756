package org.luthier.shell.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

class ShellTest {
    private final Captured captured = new Captured();
    private final Shell shell = new Shell(name -> null);
    private final Recorder transcribe = new Recorder();

    ShellTest() {
        shell.add(transcribe);
        shell.add(new ToyCommand(name -> null, (options, console) -> 3));
    }

    /** Stands for transcribe. */
    private static final class Recorder extends ShellCommand<Recorder.Options> {
        private List<String> files;

        Recorder() {
            super(name -> null, Options::new);
        }

        @Command(name = "transcribe", description = "Audio to MIDI.")
        static final class Options extends CommonOptions {
            @Parameters
            List<String> files = List.of();
        }

        @Override
        protected int run(Options options, Console console) {
            files = options.files;
            return DONE;
        }
    }

    private int run(String... words) {
        return shell.run(List.of(words), captured.console());
    }

    @Test
    void coloursOnATerminalUnlessAskedNotTo() {
        assertTrue(((Surroundings) name -> null).colours(true));
        assertFalse(((Surroundings) name -> null).colours(false));
        assertFalse(((Surroundings) Map.of("luthier.uncoloured", "true")::get).colours(true));
    }

    /** Some terminals obey the controls behind ASCII too. */
    @Test
    void noControlCharacterComesOut() {
        captured.console().print("a\u001b[31m\u009b31m\u007f\nb");
        captured.console().fail("a\u009b\nb");
        assertEquals("a?[31m?31m?\nb\n", captured.out());
        assertEquals("luthier: a b\n", captured.err());
    }

    @Test
    void findsACommandByItsName() {
        assertEquals(3, run("toy:play", "x"));
        assertEquals(0, run("transcribe", "a b;c$.wav"));
        assertEquals(List.of("a b;c$.wav"), transcribe.files);
    }

    @Test
    void takesAnAudioFileForTranscribe(@TempDir Path folder) throws Exception {
        assertEquals(0, run("my song.MP3", "other.wav"));
        assertEquals(List.of("my song.MP3", "other.wav"), transcribe.files);
        String odd = Files.createFile(folder.resolve("no suffix")).toString();
        assertEquals(0, run(odd));
        assertEquals(List.of(odd), transcribe.files);
    }

    @Test
    void namesTheNearestCommands() {
        assertEquals(2, run("transcibe", "a.wav"));
        assertEquals(
                "luthier: unknown command 'transcibe'; did you mean transcribe?\nTry: luthier help\n", captured.err());
        assertEquals("", captured.out());
    }

    @Test
    void findsACommandByHalfItsName() {
        assertEquals(2, run("play"));
        assertTrue(captured.err().contains("did you mean toy:play?"), captured.err());
    }

    @Test
    void refusesAnUnknownOptionBeforeTheCommand() {
        assertEquals(2, run("--frobnicate", "transcribe"));
        assertTrue(captured.err().contains("unknown option --frobnicate"), captured.err());
    }

    @Test
    void showsUsageWithoutACommand() {
        assertEquals(2, run());
        assertTrue(captured.err().contains("Usage: luthier"), captured.err());
        assertEquals("", captured.out());
    }

    @Test
    void helpListsAndExplains() {
        assertEquals(0, run("help"));
        assertTrue(captured.out().contains("toy:play"), captured.out());
        assertTrue(captured.out().contains("Audio to MIDI."), captured.out());
        assertEquals(0, run("help", "toy:play"));
        assertTrue(captured.out().contains("--threshold"), captured.out());
        assertEquals(2, run("help", "toy:pley"));
        assertTrue(captured.err().contains("did you mean toy:play?"), captured.err());
    }

    @Test
    void forgetsARemovedCommand() {
        shell.remove(transcribe);
        assertEquals(2, run("transcribe", "a.wav"));
    }
}
