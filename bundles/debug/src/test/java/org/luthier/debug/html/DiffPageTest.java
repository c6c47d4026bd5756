package org.luthier.debug.html;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;
import org.luthier.debug.Slice;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.cause.Cause;
import org.w3c.dom.Element;

class DiffPageTest {
    private static final int POSITIONS = 40;
    private static final int WIDTH = 6;

    @TempDir
    Path folder;

    private static Reference reference(String title, RecordedTensor... tensors) {
        Reference.Header header = new Reference.Header("tiny", "pencil", "float32", "none", List.of(0));
        return Reference.of(title, header, List.of(tensors));
    }

    private static float[] numbers(int seed, int count) {
        float[] values = new float[count];
        Random random = new Random(seed);
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static RecordedTensor tensor(String name, int seed) {
        return RecordedTensor.of(name, numbers(seed, POSITIONS * WIDTH), List.of(1, POSITIONS, WIDTH));
    }

    /** One value is other than it should be. */
    private static RecordedTensor changed(RecordedTensor tensor, int position, float by) {
        float[] values = tensor.values().clone();
        values[position * WIDTH] += by;
        return RecordedTensor.of(tensor.name(), values, tensor.shape());
    }

    private Page page(TraceDiff diff, Reference trace, Reference reference, Rolls rolls) throws IOException {
        Path file = folder.resolve("page.html");
        DiffPage.of(diff, trace, reference, rolls).write(file, true);
        assertTrue(Files.size(file) <= DiffPage.MOST_BYTES);
        return Page.read(file);
    }

    private Page page(Reference trace, Reference reference) throws IOException {
        return page(TraceDiff.compare(trace, reference, Thresholds.FLOAT32), trace, reference, Rolls.NONE);
    }

    /** A page of everything: features, layers, ids, steps, causes, remarks, notes; with a text in every place where one comes from outside. */
    private Page everything(String text) throws IOException {
        RecordedTensor features = tensor("frontend." + text, 1);
        RecordedTensor first = tensor("encoder." + text + "a", 2);
        RecordedTensor second = tensor("encoder." + text + "b", 3);
        RecordedTensor only = tensor(text, 4);
        float[] ids = {0, 3, 5, 1};
        float[] other = {0, 3, 6, 1};
        RecordedTensor said =
                new RecordedTensor("decoder.tokens" + text, List.of(1, 4), ids, List.of(), Double.NaN, true, true);
        RecordedTensor saidOtherwise =
                new RecordedTensor(said.name(), List.of(1, 4), other, List.of(), Double.NaN, true, true);
        Reference.Header header = new Reference.Header(text, text, text, text, List.of(0));
        Reference reference = Reference.of("r" + text, header, List.of(features, first, second, said));
        Reference trace = Reference.of(
                "t" + text,
                header,
                List.of(features, changed(first, 7, 1), changed(second, 9, 2), saidOtherwise, only));
        TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32)
                .with(List.of(new Cause(text, text, 0.5, 1e-7, text)))
                .with(text);
        List<Note> notes = List.of(Note.of(0, 1, 60, 100, 0, false), Note.of(0, 0.1, 38, 100, 0, true));
        return page(diff, trace, reference, new Rolls(notes.subList(0, 1), notes));
    }

    @Test
    void nothingComesFromElsewhereAndNothingRuns() throws IOException {
        Page page = everything("x");
        Set<String> elements = new HashSet<>();
        Set<String> ids = new HashSet<>();
        for (Element element : page.elements()) {
            elements.add(element.getTagName());
            for (String name : Page.attributes(element)) {
                String value = element.getAttribute(name);
                assertFalse(name.startsWith("on"), name);
                if (name.equals("src")) {
                    assertTrue(value.startsWith("data:image/png;base64,"), value);
                } else if (name.equals("href")) {
                    assertTrue(value.startsWith("#"), value);
                } else if (name.equals("id")) {
                    assertTrue(ids.add(value), "twice: " + value);
                } else {
                    assertFalse(value.contains("url("), value);
                }
            }
        }
        for (String loading :
                List.of("script", "link", "iframe", "object", "embed", "base", "form", "video", "audio")) {
            assertFalse(elements.contains(loading), loading);
        }
        String css = page.text("style");
        assertFalse(css.contains("url(") || css.contains("@import"), css);
        assertTrue(css.contains("prefers-color-scheme: dark"));
        assertEquals(
                1,
                page.elements().stream()
                        .filter(element -> element.getAttribute("content").startsWith("default-src 'none'"))
                        .count());
        for (Element element : page.elements()) {
            String href = element.getAttribute("href");
            assertTrue(href.isEmpty() || ids.contains(href.substring(1)), "leads nowhere: " + href);
        }
    }

    @Test
    void peopleWhoDoNotSeeItAreToldTheSame() throws IOException {
        Page page = everything("x");
        int level = 0;
        for (Element element : page.elements()) {
            String tag = element.getTagName();
            if (tag.matches("h[1-6]")) {
                int next = tag.charAt(1) - '0';
                assertTrue(next <= level + 1, tag + " after h" + level);
                level = next;
            }
            if (tag.equals("img")) {
                assertFalse(element.getAttribute("alt").isBlank());
            }
            if (tag.equals("svg")) {
                assertFalse(element.getAttribute("aria-label").isBlank());
            }
            if (tag.equals("th")) {
                assertFalse(element.getAttribute("scope").isBlank());
            }
            if (element.getAttribute("class").contains("scroll")) {
                assertEquals("0", element.getAttribute("tabindex"));
            }
        }
        assertEquals("en", page.elements().get(0).getAttribute("lang"));
    }

    /** What names say is never more than text: the page has the same elements with the same attributes. */
    @Test
    void namesAreNothingButText() throws IOException {
        List<String> plain = everything("x").structure();
        for (String hostile : List.of(
                "<script>alert(1)</script>",
                "\"><img src=x onerror=alert(1)>",
                "' onmouseover='alert(1)",
                "</code></style></title><svg/onload=alert(1)>",
                "<!-- ]]> &lt; &#60; & -->",
                "javascript:alert(1)",
                "\u202Egnp\u2066\u0000\u0007\r\n\t\uFFFE",
                "\uD83D",
                "x".repeat(100_000))) {
            assertEquals(plain, everything(hostile).structure(), hostile);
        }
        String shown = everything("<b>\u202E</b>").text("body");
        assertTrue(shown.contains("<b>\uFFFD</b>"), shown);
    }

    @Test
    void theVerdictComesFirst() throws IOException {
        Page page = everything("x");
        assertTrue(page.text("h1").contains("encoder.xa"), page.text("h1"));
        RecordedTensor tensor = tensor("a", 1);
        Page clean = page(reference("t", tensor), reference("r", tensor));
        assertTrue(clean.text("h1").contains("Clean"), clean.text("h1"));
        assertFalse(clean.text("body").contains("Likely causes"));
    }

    @Test
    void causesAreToldWithTheirEvidence() throws IOException {
        RecordedTensor tensor = tensor("encoder.q", 1);
        Reference trace = reference("t", changed(tensor, 3, 2));
        Reference reference = reference("r", tensor);
        TraceDiff found = TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
        assertTrue(page(found, trace, reference, Rolls.NONE).text("body").contains("No known cause fits."));
        TraceDiff explained = found.with(List.of(
                        new Cause("weight transposed", "encoder.q", 0.25, 3e-7, "transpose it in the name rules")))
                .with("a remark");
        String text = page(explained, trace, reference, Rolls.NONE).text("body");
        for (String told :
                List.of("weight transposed", "2.5e-01", "3.0e-07", "transpose it in the name rules", "a remark")) {
            assertTrue(text.contains(told), told);
        }
    }

    @Test
    void theStripIsColouredWhereTheErrorIs() throws IOException {
        RecordedTensor tensor = tensor("a", 1);
        Page page = page(reference("t", changed(tensor, 17, 1)), reference("r", tensor));
        int[] strip = page.picture("positions");
        assertEquals(POSITIONS, strip.length);
        for (int position = 0; position < POSITIONS; position++) {
            assertEquals(position == 17 ? 0xFF : 0, strip[position] >>> 24, "opacity at " + position);
        }
        assertTrue(page.alternatives().stream().anyMatch(alt -> alt.contains("at position 17")));
    }

    /** Kept were the positions 20 to 29 and 35: the strip begins at 20, and what was not kept is grey. */
    @Test
    void theStripKnowsWhatWasKept() throws IOException {
        RecordedTensor tensor = tensor("a", 1);
        RecordedTensor kept = tensor.keep(
                new Slice(1, IntLists.immutable.ofAll(IntStream.concat(IntStream.range(20, 30), IntStream.of(35)))));
        Page page = page(reference("t", changed(tensor, 24, 1)), reference("r", kept));
        int[] strip = page.picture("positions");
        assertEquals(16, strip.length);
        assertEquals(0xFF, strip[4] >>> 24);
        assertEquals(0, strip[3] >>> 24);
        assertEquals(0x66, strip[12] >>> 24);
        assertEquals(0, strip[15] >>> 24);
        assertTrue(page.alternatives().stream().anyMatch(alt -> alt.contains("at position 24")));
    }

    /** Of attention scores [rows, heads, queries, keys] the queries are the positions. */
    @Test
    void scoresLieAlongTheirQueries() throws IOException {
        RecordedTensor keys = RecordedTensor.of("keys", numbers(1, 7 * 4), List.of(1, 7, 4));
        RecordedTensor scores = RecordedTensor.of("scores", numbers(2, 2 * 7 * 7), List.of(1, 2, 7, 7));
        float[] other = scores.values().clone();
        other[(1 * 7 + 5) * 7 + 3] += 3;
        Page page = page(
                reference("t", keys, RecordedTensor.of("scores", other, scores.shape())), reference("r", keys, scores));
        assertTrue(page.alternatives().stream()
                .anyMatch(alt -> alt.startsWith("7 positions") && alt.contains("at position 5")));
    }

    @Test
    void histogramsCountEveryValue() throws IOException {
        RecordedTensor tensor = tensor("a", 1);
        String text = page(reference("t", changed(tensor, 17, 8)), reference("r", tensor))
                .text("body");
        assertTrue(text.contains("240"), text);
        assertTrue(text.contains("8.000"), text);
    }

    @Test
    void idsThatDifferAreListed() throws IOException {
        String text = everything("x").text("body");
        assertTrue(text.contains("[0, 2]56"), text);
        assertTrue(text.contains("1 id differs"), text);
    }

    @Test
    void notesOfOneSideOnlyAreMarked() throws IOException {
        RecordedTensor tensor = tensor("a", 1);
        Reference run = reference("t", tensor);
        TraceDiff diff = TraceDiff.compare(run, run, Thresholds.FLOAT32);
        List<Note> reference = List.of(
                Note.of(0, 1, 60, 100, 0, false), Note.of(1, 2, 64, 100, 0, false), Note.of(2, 2.1, 38, 100, 0, true));
        List<Note> trace = List.of(
                Note.of(0.04, 1, 60, 90, 0, false),
                Note.of(1.06, 2, 64, 100, 0, false),
                Note.of(2, 3, 38, 100, 0, false));
        Page page = page(diff, run, run, new Rolls(trace, reference));
        String text = page.text("body");
        assertTrue(text.contains(
                "1 note begins alike on both sides (within 50 ms); 2 only in the reference, 2 only in the trace."));
        assertEquals(
                4,
                page.elements().stream()
                        .filter(element -> element.getAttribute("class").equals("alone"))
                        .count());
        String silent = page(diff, run, run, new Rolls(List.of(), reference)).text("body");
        assertTrue(silent.contains("Trace 0 notes"), silent);
        String half = page(diff, run, run, new Rolls(null, reference)).text("body");
        assertTrue(half.contains("Reference 3 notes") && !half.contains("alike"), half);
    }

    /** Thousands of layers with long names, noise that no picture compresses, and more notes than anybody plays. */
    @Test
    void thePageIsNeverLarge() throws IOException {
        List<RecordedTensor> tensors = new ArrayList<>();
        List<RecordedTensor> others = new ArrayList<>();
        tensors.add(RecordedTensor.of("frontend.mel", numbers(1, 600 * 300), List.of(1, 600, 300)));
        others.add(RecordedTensor.of("frontend.mel", numbers(2, 600 * 300), List.of(1, 600, 300)));
        for (int i = 0; i < 3000; i++) {
            String name = "<&\"'>".repeat(50) + "." + i;
            tensors.add(RecordedTensor.of(name, numbers(3 + i, 300), List.of(1, 300, 1)));
            others.add(RecordedTensor.of(name, numbers(4 + i, 300), List.of(1, 300, 1)));
        }
        Reference reference = reference("r", tensors.toArray(RecordedTensor[]::new));
        Reference trace = reference("t", others.toArray(RecordedTensor[]::new));
        Random random = new Random(1);
        List<Note> notes = new ArrayList<>();
        List<Note> alone = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            double start = 600 * random.nextDouble();
            notes.add(Note.of(start, start + 1, random.nextInt(64), 100, 0, false));
            alone.add(Note.of(start, start + 1, 64 + random.nextInt(64), 100, 0, false));
        }
        TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
        Page page = page(diff, trace, reference, new Rolls(notes, alone));
        assertTrue(page.text("body").contains("of 3001"));
    }

    @Test
    void theSameComparisonGivesTheSameBytes() throws IOException {
        everything("x");
        byte[] first = Files.readAllBytes(folder.resolve("page.html"));
        everything("x");
        assertArrayEquals(first, Files.readAllBytes(folder.resolve("page.html")));
    }

    @Test
    void aFileThatIsThereIsKept() throws IOException {
        Path file = Files.writeString(folder.resolve("page.html"), "mine");
        Reference run = reference("t", tensor("a", 1));
        TraceDiff diff = TraceDiff.compare(run, run, Thresholds.FLOAT32);
        DiffPage page = DiffPage.of(diff, run, run, Rolls.NONE);
        assertThrows(LuthierException.class, () -> page.write(file, false));
        assertEquals("mine", Files.readString(file));
        page.write(file, true);
        assertTrue(Files.readString(file).startsWith("<!DOCTYPE html>"));
    }

    /** Shapes that no model has. */
    @Test
    void anyShapeHasAPage() throws IOException {
        RecordedTensor none = RecordedTensor.of("none", new float[1], List.of());
        RecordedTensor line = RecordedTensor.of("line", numbers(1, 5), List.of(5));
        RecordedTensor plane = RecordedTensor.of("plane", numbers(2, 10), List.of(2, 5));
        RecordedTensor deep = RecordedTensor.of("deep", numbers(3, 64), List.of(2, 2, 2, 2, 2, 2));
        RecordedTensor empty = RecordedTensor.of("frontend.empty", new float[0], List.of(1, 0, 4));
        float[] wrong = {Float.NaN, Float.POSITIVE_INFINITY, 3, 4, -1};
        Page page = page(
                reference(
                        "t",
                        none,
                        RecordedTensor.of("line", wrong, List.of(5)),
                        RecordedTensor.of("plane", numbers(5, 10), List.of(2, 5)),
                        RecordedTensor.of("deep", numbers(6, 64), deep.shape()),
                        empty,
                        RecordedTensor.of("shape", numbers(7, 6), List.of(2, 3))),
                reference(
                        "r", none, line, plane, deep, empty, RecordedTensor.of("shape", numbers(7, 6), List.of(3, 2))));
        assertTrue(page.text("body").contains("shape differs"));
    }
}
