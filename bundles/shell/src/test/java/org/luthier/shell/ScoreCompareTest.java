package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.shell.internal.Captured;

class ScoreCompareTest {
    private final Captured captured = new Captured();

    @TempDir
    private Path folder;

    /** Two notes, of which the second file has the first only. */
    @BeforeEach
    void record() throws Exception {
        try (Studio studio = new Studio(folder)) {
            Transcribe transcribe = new Transcribe(studio.surroundings, studio.workbench);
            studio.audio("two.wav", "1 0 0 0 0 1");
            studio.audio("one.wav", "1 0 0 0 0 0");
            assertEquals(0, studio.run(transcribe, new Captured(), "two.wav", "one.wav"));
        }
    }

    private int run(String... arguments) {
        return new ScoreCompare(name -> null).execute(List.of(arguments), captured.console(false, false, folder));
    }

    @Test
    void printsATable() {
        assertEquals(0, run("two.mid", "one.mid"), captured.err());
        assertTrue(captured.out().matches("(?s).*\nonset +1.0000 +0.5000 +0.6667\n.*"), captured.out());
        assertTrue(captured.out().matches("(?s).*\ndrums +- +- +-\n"), captured.out());
    }

    @Test
    void printsOneJsonObject() throws Exception {
        assertEquals(0, run("two.mid", "one.mid", "--json"), captured.err());
        JsonNode scores = new ObjectMapper().readTree(captured.out());
        assertEquals(0.5, scores.get("onset").get("recall").asDouble());
        assertTrue(scores.get("drum").isNull());
        assertEquals(
                List.of("onset", "onset_offset", "frame", "multi_full", "multi_class", "multi_flat", "drum"),
                names(scores));
        assertEquals(List.of("precision", "recall", "f1"), names(scores.get("multi_full")));
    }

    private static List<String> names(JsonNode object) {
        return object.propertyStream().map(Map.Entry::getKey).toList();
    }

    @Test
    void refusesWhatIsNoMidi() throws Exception {
        Files.writeString(folder.resolve("bad.mid"), "no");
        assertEquals(1, run("two.mid", "bad.mid"));
        assertEquals(1, run("two.mid", "nowhere.mid"));
        assertEquals(2, captured.err().lines().count(), captured.err());
        assertTrue(captured.err().contains("bad.mid"), captured.err());
        assertTrue(captured.err().contains("nowhere.mid"), captured.err());
    }
}
