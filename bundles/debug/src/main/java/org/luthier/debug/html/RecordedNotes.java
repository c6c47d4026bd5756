package org.luthier.debug.html;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.Cancellation;
import org.luthier.api.model.FrameModel;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.RecordedTokens;
import org.luthier.debug.Reference;

/**
 * Makes notes of what was recorded at the end of a run.
 *
 * @param other segments that the other side has; empty if that is not known
 */
record RecordedNotes(Reference run, List<Integer> other) {
    /** Of the segments of a run that the other side has too. */
    static RecordedNotes of(Reference run, Reference other) {
        return new RecordedNotes(run, other.header().segments());
    }

    /** Null where no tokens were recorded. */
    List<Note> ofTokens(Tokenizer tokenizer, TokenNoteAssembler assembler) {
        RecordedTokens tokens = RecordedTokens.of(run);
        if (tokens == null || tokens.rows() % tokens.segments().size() > 0) {
            return null;
        }
        List<Integer> segments = tokens.segments();
        int channels = tokens.rows() / segments.size();
        TokenNoteAssembler.Assembly assembly = assembler.begin(tokenizer, Settings.defaults(assembler));
        for (int place : common(segments)) {
            List<List<Event>> events = new ArrayList<>();
            for (int row = place * channels; row < (place + 1) * channels; row++) {
                events.add(tokenizer.events(tokens.ids(row)));
            }
            double start = tokenizer.segmentStart(segments.get(place) * tokenizer.segmentSeconds());
            assembly.accept(new SegmentEvents(start, events));
        }
        return assembly.finish().notes();
    }

    /** Null where not all outputs were recorded whole, of neighbouring segments. */
    List<Note> ofPosteriorgrams(FrameModel model, FrameNoteAssembler assembler) {
        int segmentFrames = model.joining().segmentFrames();
        int trim = model.joining().trim();
        int kept = segmentFrames - 2 * trim;
        List<Posteriorgram> outputs = new ArrayList<>();
        int first = 0;
        for (int i = 0; i < model.outputTaps().size(); i++) {
            FrameLayout.Output output = model.layout().outputs().get(i);
            RecordedTensor tensor = whole(model.outputTaps().get(i));
            if (tensor == null || tensor.shape().isEmpty()) {
                return null;
            }
            int rows = tensor.shape().get(0);
            int row = segmentFrames * output.bins();
            List<Integer> segments = segments(rows);
            if (segments.size() != rows || tensor.values().length != rows * row) {
                return null;
            }
            List<Integer> common = common(segments);
            if (!areNeighbours(common.stream().map(segments::get).toList())) {
                return null;
            }
            first = segments.get(common.get(0));
            float[] joined = new float[common.size() * kept * output.bins()];
            for (int segment = 0; segment < common.size(); segment++) {
                System.arraycopy(
                        tensor.values(),
                        common.get(segment) * row + trim * output.bins(),
                        joined,
                        segment * kept * output.bins(),
                        kept * output.bins());
            }
            outputs.add(new Posteriorgram(output.name(), common.size() * kept, output.bins(), joined));
        }
        int before = first * kept;
        Posteriorgrams posteriorgrams = new Posteriorgrams(
                model.layout(), frame -> model.joining().clock().seconds(before + frame), outputs);
        return assembler.assemble(posteriorgrams, Settings.defaults(assembler), Cancellation.NONE);
    }

    /** A tensor of which nothing was left out, or null. */
    private RecordedTensor whole(String name) {
        RecordedTensor tensor = run.has(name) ? run.tensor(name) : null;
        return tensor == null || !tensor.slices().isEmpty() ? null : tensor;
    }

    private List<Integer> segments(int rows) {
        List<Integer> told = run.header().segments();
        return told.isEmpty() ? IntStream.range(0, rows).boxed().toList() : told;
    }

    /** Rows of the common segments, in the order of time. */
    private List<Integer> common(List<Integer> segments) {
        return IntStream.range(0, segments.size())
                .filter(row -> other.isEmpty() || other.contains(segments.get(row)))
                .boxed()
                .sorted(Comparator.comparing(segments::get))
                .toList();
    }

    private static boolean areNeighbours(List<Integer> segments) {
        return !segments.isEmpty()
                && IntStream.range(1, segments.size()).allMatch(i -> segments.get(i) == segments.get(i - 1) + 1);
    }
}
