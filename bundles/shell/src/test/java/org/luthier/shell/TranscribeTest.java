package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.midi.MidiReader;
import org.luthier.shell.internal.Captured;
import org.luthier.workbench.NotesJsonWriter;

class TranscribeTest {
    private final Captured captured = new Captured();
    private Studio studio;
    private Transcribe transcribe;

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
        transcribe = new Transcribe(studio.surroundings, studio.workbench);
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private int run(String... arguments) {
        return studio.run(transcribe, captured, arguments);
    }

    @Test
    void writesTheMidiFileBesideTheAudioAndSaysSo() throws Exception {
        Path audio = studio.audio("a b;c$.wav", "0 0.9 0 0.8 0 0 0 0 0 0");
        Path midi = studio.folder.resolve("a b;c$.mid");
        assertEquals(0, run("a b;c$.wav"), captured.err());
        assertTrue(
                captured.out()
                        .matches("\\Q" + audio + " -> " + midi + ": 2 notes, 1.0 s of audio in \\E\\d+\\.\\d s\n"),
                captured.out());
        assertEquals("luthier: warning: " + audio + ": odd\n", captured.err());
        assertEquals(2, MidiReader.read(midi).size());
        assertEquals(List.of("a b;c$.mid", "a b;c$.wav"), studio.files());
    }

    @Test
    void passesParametersToTheirParts() throws Exception {
        studio.audio("a.wav", "0 0.9 0 0.8");
        assertEquals(0, run("a.wav", "--threshold", "0.85", "--tempo", "60", "-o", "x.mid"), captured.err());
        assertEquals(1, MidiReader.read(studio.folder.resolve("x.mid")).size());
        String slow = Files.readString(studio.folder.resolve("x.mid"), StandardCharsets.ISO_8859_1);
        assertTrue(slow.contains("\u00ff\u0051\u0003\u000f\u0042\u0040"), "a million microseconds a beat");
    }

    @Test
    void usesOtherWeightsAndWorkersAndKernels() throws Exception {
        studio.audio("a.wav", "0.2 0.2 0.9");
        Studio.weights(studio.folder.resolve("loud.safetensors"), 3);
        assertEquals(
                0,
                run("a.wav", "--checkpoint", "loud.safetensors", "--threads", "2", "--kernels", "plain"),
                captured.err());
        assertTrue(captured.out().contains(": 3 notes,"), captured.out());
        assertEquals(2, studio.family.execution.workers());
        assertEquals("plain", studio.family.execution.kernels());
    }

    @Test
    void goesOnAfterAFailure() throws Exception {
        studio.audio("a.wav", "text");
        studio.audio("b.wav", "1 1");
        assertEquals(1, run("a.wav", "b.wav", "c.wav"));
        assertTrue(captured.err().contains("a.wav: expected audio, got text\n"), captured.err());
        assertTrue(captured.err().contains("c.wav: there is no such file\n"), captured.err());
        assertTrue(captured.err().endsWith("luthier: 2 of 3 files could not be transcribed\n"), captured.err());
        assertEquals(1, captured.out().lines().count(), captured.out());
        assertEquals(List.of("a.wav", "b.mid", "b.wav"), studio.files());
    }

    @Test
    void makesAFolderThatIsNamedAsOne() throws Exception {
        studio.audio("a.wav", "1 1");
        studio.audio("b.wav", "1 1");
        assertEquals(0, run("a.wav", "-o", "one/"), captured.err());
        assertTrue(Files.isRegularFile(studio.folder.resolve("one/a.mid")));
        assertEquals(0, run("a.wav", "b.wav", "-o", "two"), captured.err());
        assertTrue(Files.isRegularFile(studio.folder.resolve("two/b.mid")));
    }

    @Test
    void leavesAnExistingFileAlone() throws Exception {
        studio.audio("a.wav", "1 1");
        Path midi = Files.writeString(studio.folder.resolve("a.mid"), "mine");
        assertEquals(1, run("a.wav"));
        assertTrue(captured.err().contains("--force"), captured.err());
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertEquals("mine", Files.readString(midi));

        assertEquals(0, run("a.wav", "--force"), captured.err());
        assertEquals(2, MidiReader.read(midi).size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a.wav --model pitch|1|no model",
                "a.wav --assembler other|1|toy-notes",
                "a.wav --batch 0|2|transcribe: --batch: expected a whole number from 1 to",
                "a.wav --batch 999999|2|transcribe: --batch: expected a whole number from 1 to",
                "a.wav --batch many|2|transcribe: --batch: expected a whole number, got 'many'",
                "a.wav --threads 0|2|transcribe: --threads: expected a whole number from 1 to",
                "a.wav --threads=-1|2|transcribe: --threads: expected a whole number from 1 to",
                "a.wav --tempo slow|2|transcribe: --tempo: expected a number from 4.0 to 1000.0 quarters a minute, got 'slow'",
                "a.wav --threshold 0.9 --ceiling 0.8|2|transcribe: --threshold 0.9 is above --ceiling 0.8",
                "a.wav --backend nd4j-cuda|1|runs on cpu",
                "a.wav --threshold 7|2|from 0.0 to 1.0",
                "a.wav --colour red|2|unknown option --colour",
                "a.wav --tokenizer mt3|1|--tokenizer",
                "a.wav --midi-writer other|1|other",
                "a.wav -o nowhere/a.mid|1|nowhere",
                "-o a.mid|2|AUDIO",
            })
    void refusesWhatCannotBe(String arguments, int code, String message) throws Exception {
        studio.audio("a.wav", "1 1");
        assertEquals(code, run(arguments.split(" ")), captured.err());
        assertTrue(captured.err().contains(message), captured.err());
        assertEquals(code, captured.err().lines().count(), captured.err());
        assertEquals("", captured.out());
        assertEquals(List.of("a.wav"), studio.files());
    }

    @Test
    void namesThatAreNoNamesOfFiles() throws Exception {
        studio.audio("a.wav", "1 1");
        studio.audio("-dash.wav", "1 1");
        assertEquals(2, run(""));
        assertTrue(
                captured.err().contains("transcribe: AUDIO: expected a file name, got an empty word\n"),
                captured.err());
        assertEquals(2, run("a.wav", "-o", "-"));
        assertTrue(
                captured.err().contains("transcribe: --output: standard input and output are not possible here"),
                captured.err());
        assertEquals(2, run("-dash.wav"));
        assertTrue(
                captured.err()
                        .contains(
                                "transcribe: unknown option -dash.wav; if it is the file of that name, put -- before it\n"),
                captured.err());
        assertEquals(List.of("-dash.wav", "a.wav"), studio.files());
        assertEquals(0, run("--", "-dash.wav"), captured.err());
    }

    @Test
    void endsWhenInterruptedAndLeavesNothing() throws Exception {
        studio.audio("slow.wav", "");
        Thread command = Thread.currentThread();
        Thread user = new Thread(() -> {
            try {
                studio.reading.await();
                command.interrupt();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        user.start();
        assertEquals(130, run("slow.wav"));
        user.join();
        assertEquals("luthier: interrupted\n", captured.err());
        assertEquals(List.of("slow.wav"), studio.files());
    }

    @Test
    void callsADefectADefect() throws Exception {
        studio.audio("a.wav", "defect");
        assertEquals(1, run("a.wav"));
        assertTrue(captured.err().contains("internal error"), captured.err());
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertEquals(List.of("a.wav"), studio.files());
    }

    @Test
    void anotherWriterWritesTheMidiFile() throws Exception {
        studio.audio("a.wav", "1 1");
        studio.workbench.parts().add(TranscriptionWriter.class, new NotesJsonWriter(), "1.0.0", 0);
        assertEquals(0, run("a.wav", "--midi-writer", "json"), captured.err());
        assertTrue(Files.readString(studio.folder.resolve("a.mid")).startsWith("{"));
    }

    @Test
    void theModelsWriterWritesTheMidiFile() throws Exception {
        studio.audio("a.wav", "1 1");
        studio.workbench.parts().add(TranscriptionWriter.class, new NotesJsonWriter(), "1.0.0", 0);
        Path models = studio.folder.resolve("models");
        Path other = Files.createDirectory(models.resolve("other"));
        String json = Files.readString(models.resolve("basic-pitch/model.json"));
        Files.writeString(
                other.resolve("model.json"),
                json.replace("\"basic-pitch\"", "\"other\"")
                        .replace("\"assembler\"", "\"midiWriter\": \"json\", \"assembler\""));
        Studio.weights(other.resolve("toy.safetensors"), 1);
        assertEquals(0, run("a.wav", "--model", "other"), captured.err());
        assertTrue(Files.readString(studio.folder.resolve("a.mid")).startsWith("{"));
        assertEquals(0, run("a.wav", "--model", "other", "--midi-writer", "midi", "--tempo", "60", "--force"));
        assertEquals(2, MidiReader.read(studio.folder.resolve("a.mid")).size());
        assertEquals(2, run("a.wav", "--model", "other", "--tempo", "60", "--force"));
        assertTrue(captured.err().contains("unknown option --tempo"), captured.err());
    }

    @Test
    void explainsTheParametersOfTheChosenParts() {
        assertEquals(0, run("--help"));
        assertTrue(captured.out().contains("Least level of a note. (default: 0.5; from 0 to 1)"), captured.out());
        assertTrue(captured.out().contains("--tempo"), captured.out());
        assertFalse(captured.out().contains("Parameters of the piano roll"), captured.out());
    }
}
