package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.model.Execution;
import org.luthier.api.notes.Transcription;
import org.luthier.midi.MidiReader;
import org.luthier.workbench.Job;
import org.luthier.workbench.TranscriptionRequest;

class LuthierTest {
    private static final Path SAMPLE =
            Path.of(System.getProperty("luthier.root")).resolve("samples/bach-prelude.flac");

    @TempDir
    Path folder;

    @Test
    void transcribesAndWritesEveryFormat() throws IOException {
        try (Luthier luthier = Luthier.open()) {
            Transcription transcription = luthier.transcribe(SAMPLE);
            assertFalse(transcription.notes().isEmpty());
            Path midi = folder.resolve("bach.mid");
            luthier.write(transcription, midi);
            luthier.write(transcription, midi);
            assertEquals(transcription.notes().size(), MidiReader.read(midi).size());
            luthier.write(transcription, folder.resolve("bach.JSON"));
            luthier.write(transcription, folder.resolve("bach.png"));
            assertTrue(Files.size(folder.resolve("bach.png")) > 1000);
            LuthierException e = assertThrows(
                    LuthierException.class, () -> luthier.write(transcription, folder.resolve("bach.xml")));
            assertTrue(e.getMessage().contains(".mid, .midi, .json or .png"), e.getMessage());
            try (Stream<Path> files = Files.list(folder)) {
                assertEquals(3, files.count());
            }
        }
    }

    @Test
    void takesSettingsExecutionAndJobs() {
        try (Luthier luthier = Luthier.builder()
                .models(folder)
                .execution(new Execution("cpu", "cpu", 1))
                .open()) {
            Job job = luthier.start(
                    TranscriptionRequest.of(SAMPLE).withSettings(Map.of("onset-threshold", "0.9")), Progress.NONE);
            Transcription strict = job.await();
            assertTrue(
                    strict.notes().size() < luthier.transcribe(SAMPLE).notes().size());
            assertEquals(0.9, strict.provenance().parameters().get("onset-threshold"));
        }
    }

    @Test
    void closingTwiceIsFine() {
        Luthier luthier = Luthier.open();
        luthier.close();
        luthier.close();
        assertThrows(LuthierException.class, () -> luthier.transcribe(SAMPLE));
    }

    @Test
    void aMissingFileIsOneLine() {
        try (Luthier luthier = Luthier.open()) {
            LuthierException e =
                    assertThrows(LuthierException.class, () -> luthier.transcribe(folder.resolve("none.wav")));
            assertEquals(1, e.getMessage().lines().count());
        }
    }
}
