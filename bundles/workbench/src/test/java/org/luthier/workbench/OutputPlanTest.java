package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;

class OutputPlanTest {
    @TempDir
    Path folder;

    private static OutputPlan.Output midi(Path where) {
        return new OutputPlan.Output("midi", ".mid", where, Map.of());
    }

    private static OutputPlan.Output json(Path where) {
        return new OutputPlan.Output("json", ".json", where, Map.of());
    }

    private static List<Path> paths(OutputPlan plan) {
        return plan.entries().stream()
                .flatMap(entry -> entry.targets().stream().map(OutputPlan.Target::path))
                .toList();
    }

    private static String refused(List<Path> audio, OutputPlan.Output... outputs) {
        return assertThrows(LuthierException.class, () -> OutputPlan.of(audio, List.of(outputs), true))
                .getMessage();
    }

    @Test
    void theDefaultIsBesideTheAudioFile() {
        OutputPlan plan = OutputPlan.of(
                List.of(folder.resolve("a b;c$.x.wav"), folder.resolve("noname")), List.of(midi(null)), false);
        assertEquals(List.of(folder.resolve("a b;c$.x.mid"), folder.resolve("noname.mid")), paths(plan));
    }

    @Test
    void oneFileGoesToAFileOrIntoAFolder() throws IOException {
        Path into = Files.createDirectory(folder.resolve("out"));
        OutputPlan plan =
                OutputPlan.of(List.of(Path.of("a.wav")), List.of(midi(into), json(folder.resolve("notes.txt"))), false);
        assertEquals(List.of(into.resolve("a.mid"), folder.resolve("notes.txt")), paths(plan));
    }

    @Test
    void severalFilesGoIntoAFolder() throws IOException {
        List<Path> audio = List.of(folder.resolve("a.wav"), folder.resolve("b.mp3"));
        Path into = Files.createDirectory(folder.resolve("out"));
        assertEquals(
                List.of(
                        into.resolve("a.mid"),
                        folder.resolve("a.json"),
                        into.resolve("b.mid"),
                        folder.resolve("b.json")),
                paths(OutputPlan.of(audio, List.of(midi(into), json(folder)), false)));
        assertTrue(refused(audio, midi(folder.resolve("o.mid"))).contains("expected a folder that exists"));
    }

    @Test
    void twoFilesThatWouldBeOneAreRefused() throws IOException {
        Path a = folder.resolve("a.wav");
        assertTrue(refused(List.of(a, folder.resolve("a.mp3")), midi(null)).contains("would both become"));
        assertTrue(refused(List.of(a), midi(folder.resolve("x")), json(folder.resolve("./x")))
                .contains("would both be"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), Files.createDirectory(folder.resolve("real")));
        assertTrue(refused(List.of(a), midi(link.resolve("x")), json(folder.resolve("real/x")))
                .contains("would both be"));
    }

    @Test
    void anAudioFileIsNeverAnOutput() throws IOException {
        Path a = Files.createFile(folder.resolve("a.mid"));
        assertTrue(refused(List.of(a), midi(null)).contains("is an audio file of this command"));
        assertTrue(refused(List.of(folder.resolve("b.wav"), a), midi(folder))
                .contains("is an audio file of this command"));
    }
}
