package org.luthier.debug.html;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
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
import org.luthier.debug.Reference;
import org.luthier.debug.Tracer;

/** Makes notes of what was recorded at the end of a run. */
final class RecordedNotes {
    private RecordedNotes() {}

    /** Null where no tokens were recorded. */
    static List<Note> ofTokens(Reference run, Tokenizer tokenizer, TokenNoteAssembler assembler) {
        RecordedTensor tokens = whole(run, Tracer.TOKENS);
        if (tokens == null || tokens.shape().size() != 2) {
            return null;
        }
        int rows = tokens.shape().get(0);
        List<Integer> segments = segments(run, rows);
        if (segments.isEmpty() || rows % segments.size() > 0) {
            return null;
        }
        int channels = rows / segments.size();
        TokenNoteAssembler.Assembly assembly = assembler.begin(tokenizer, Settings.defaults(assembler));
        for (int place : inOrder(segments)) {
            List<List<Event>> events = new ArrayList<>();
            for (int row = place * channels; row < (place + 1) * channels; row++) {
                events.add(tokenizer.events(ids(tokens, row)));
            }
            assembly.accept(new SegmentEvents(start(segments.get(place), tokenizer), events));
        }
        return assembly.finish().notes();
    }

    private static MutableIntList ids(RecordedTensor tokens, int row) {
        int length = tokens.shape().get(1);
        MutableIntList ids = IntLists.mutable.empty();
        for (int i = row * length; i < (row + 1) * length; i++) {
            ids.add((int) tokens.values()[i]);
        }
        return ids;
    }

    /** On the grid of the shift events. */
    private static double start(int segment, Tokenizer tokenizer) {
        double start = segment * tokenizer.segmentSeconds();
        return start - start % (1.0 / tokenizer.stepsPerSecond());
    }

    /** Null where not all outputs were recorded whole, of neighbouring segments. */
    static List<Note> ofPosteriorgrams(Reference run, FrameModel model, FrameNoteAssembler assembler) {
        int segmentFrames = model.joining().segmentFrames();
        int trim = model.joining().trim();
        int kept = segmentFrames - 2 * trim;
        List<Posteriorgram> outputs = new ArrayList<>();
        int first = 0;
        for (int i = 0; i < model.outputTaps().size(); i++) {
            FrameLayout.Output output = model.layout().outputs().get(i);
            RecordedTensor tensor = whole(run, model.outputTaps().get(i));
            if (tensor == null || tensor.shape().isEmpty()) {
                return null;
            }
            int rows = tensor.shape().get(0);
            int row = segmentFrames * output.bins();
            List<Integer> segments = segments(run, rows);
            if (segments.size() != rows || tensor.values().length != rows * row || !areNeighbours(segments)) {
                return null;
            }
            first = segments.get(0);
            float[] joined = new float[rows * kept * output.bins()];
            for (int segment = 0; segment < rows; segment++) {
                System.arraycopy(
                        tensor.values(),
                        segment * row + trim * output.bins(),
                        joined,
                        segment * kept * output.bins(),
                        kept * output.bins());
            }
            outputs.add(new Posteriorgram(output.name(), rows * kept, output.bins(), joined));
        }
        int before = first * kept;
        Posteriorgrams posteriorgrams = new Posteriorgrams(
                model.layout(), frame -> model.joining().clock().seconds(before + frame), outputs);
        return assembler.assemble(posteriorgrams, Settings.defaults(assembler), Cancellation.NONE);
    }

    /** A tensor of which nothing was left out, or null. */
    private static RecordedTensor whole(Reference run, String name) {
        RecordedTensor tensor = run.has(name) ? run.tensor(name) : null;
        return tensor == null || !tensor.slices().isEmpty() ? null : tensor;
    }

    private static List<Integer> segments(Reference run, int rows) {
        List<Integer> told = run.header().segments();
        return told.isEmpty() ? IntStream.range(0, rows).boxed().toList() : told;
    }

    private static List<Integer> inOrder(List<Integer> segments) {
        return IntStream.range(0, segments.size())
                .boxed()
                .sorted(Comparator.comparing(segments::get))
                .toList();
    }

    private static boolean areNeighbours(List<Integer> segments) {
        return !segments.isEmpty()
                && IntStream.range(1, segments.size()).allMatch(i -> segments.get(i) == segments.get(i - 1) + 1);
    }
}
