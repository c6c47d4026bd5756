package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.shell.internal.Captured;

/** The pages of layer:diff and layer:isolate. */
class LayerPagesTest {
    private final Captured captured = new Captured();
    private Studio studio;

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
        studio.audio("a.wav", "0.5 0.25 1 1 0.75");
        Studio.weights(studio.folder.resolve("loud.safetensors"), 1.5f);
        trace("--audio", "a.wav", "-o", "reference.trace");
        trace("--checkpoint", "loud.safetensors", "--input", "reference.trace", "-o", "mine.trace");
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private void trace(String... arguments) {
        assertEquals(
                0,
                studio.run(new LayerTrace(studio.surroundings, studio.workbench), captured, arguments),
                captured.err());
    }

    private int diff(String... arguments) {
        return studio.run(new LayerDiff(studio.surroundings, studio.workbench), captured, arguments);
    }

    private int isolate(String... arguments) {
        return studio.run(new LayerIsolate(studio.surroundings, studio.workbench), captured, arguments);
    }

    private String page() throws Exception {
        return Files.readString(studio.folder.resolve("page.html"));
    }

    @Test
    void theVerdictIsOnThePageToo() throws Exception {
        assertEquals(3, diff("mine.trace", "reference.trace", "--html", "page.html"), captured.err());
        assertTrue(page().contains("First departure: <code>amplifier</code>"), page());
        assertEquals(0, diff("reference.trace", "reference.trace", "--html", "page.html", "--force"), captured.err());
        assertTrue(page().contains("Clean: nothing departs"), page());
        assertEquals(
                3,
                isolate("reference.trace", "--checkpoint", "loud.safetensors", "--html", "page.html", "--force"),
                captured.err());
        assertTrue(page().contains("First departure: <code>amplifier</code>"), page());
    }

    @Test
    void aPageThatIsThereIsKept() throws Exception {
        Files.writeString(studio.folder.resolve("page.html"), "mine");
        assertEquals(1, diff("mine.trace", "reference.trace", "--html", "page.html"));
        assertTrue(captured.err().contains("page.html exists; use --force to replace it"), captured.err());
        assertEquals(1, isolate("reference.trace", "--html", "page.html"));
        assertEquals("mine", page());
    }

    @Test
    void withoutTheOptionThereIsNone() {
        assertEquals(3, diff("mine.trace", "reference.trace"));
        assertFalse(Files.exists(studio.folder.resolve("page.html")));
    }
}
