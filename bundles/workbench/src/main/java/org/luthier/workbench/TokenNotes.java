package org.luthier.workbench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.eclipse.collections.api.bag.MutableBag;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.bag.mutable.HashBag;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.model.Framing;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;

/** Makes notes of the tokens of a recording, in the order of time, as soon as all that is before them has come. */
final class TokenNotes {
    private final Framing framing;
    private final int channels;
    private final Tokenizer tokenizer;
    private final TokenNoteAssembler.Assembly assembly;
    private final NoteListener listener;
    /** Null where the tokens have not come yet. */
    private final SegmentTokens[] segments;

    private final MutableBag<Note> told = HashBag.newBag();
    private int next;

    /** @param segments segments of the recording */
    TokenNotes(
            TokenModel model,
            Tokenizer tokenizer,
            TokenNoteAssembler.Assembly assembly,
            int segments,
            NoteListener listener) {
        this.framing = model.frontend().framing();
        this.channels = model.layout().channels();
        this.tokenizer = tokenizer;
        this.assembly = assembly;
        this.listener = listener;
        this.segments = new SegmentTokens[segments];
    }

    /**
     * Takes the tokens of neighbouring segments. May be called from several threads, in any order.
     *
     * @param first number of the first segment
     * @param rows for each segment and channel the ids, end token included
     */
    synchronized void add(int first, List<IntList> rows) {
        for (int i = 0; i < rows.size(); i += channels) {
            int segment = first + i / channels;
            List<IntList> ids = new ArrayList<>();
            // Copied: what a plug-in gave must not outlive it.
            rows.subList(i, i + channels).forEach(row -> ids.add(row.toImmutable()));
            segments[segment] =
                    new SegmentTokens(tokenizer.segmentStart(framing.startSeconds(segment)), List.copyOf(ids));
        }
        List<Note> fresh = new ArrayList<>();
        for (; next < segments.length && segments[next] != null; next++) {
            SegmentTokens segment = segments[next];
            fresh.addAll(assembly.accept(events(tokenizer, segment)));
        }
        tell(fresh);
    }

    /** Ends the recording, once all tokens have come. */
    synchronized Recipe.Outcome finish(AudioFacts audio, double seconds, List<String> remarks) {
        Assembled assembled = assembly.finish();
        MutableBag<Note> already = HashBag.newBag(told);
        tell(assembled.notes().stream().filter(note -> !already.remove(note)).toList());
        return outcome(tokenizer, List.copyOf(Arrays.asList(segments)), assembled, audio, seconds, remarks);
    }

    /** What the tokens of a segment mean. */
    static SegmentEvents events(Tokenizer tokenizer, SegmentTokens segment) {
        return new SegmentEvents(
                segment.start(),
                segment.channels().stream().map(tokenizer::events).toList());
    }

    /** What came of a recording, with what seems wrong with its tokens. */
    static Recipe.Outcome outcome(
            Tokenizer tokenizer,
            List<SegmentTokens> tokens,
            Assembled assembled,
            AudioFacts audio,
            double seconds,
            List<String> remarks) {
        return new Recipe.Outcome(
                audio,
                seconds,
                List.copyOf(assembled.notes()),
                tokens,
                assembled.invalid(),
                assembled.dropped(),
                remarks,
                TokenHealth.warnings(tokenizer, tokens, assembled, audio));
    }

    private void tell(List<Note> notes) {
        if (!notes.isEmpty()) {
            told.addAll(notes);
            listener.told(List.copyOf(notes));
        }
    }
}
