package org.luthier.assembler.yourmt3;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.SegmentEvents;

/** The notes of one recording. Any of them may still change, by what another channel or a later segment says, until all is said. */
final class YourMt3Assembly implements Assembly {
    private final String tokenizer;
    private final int stepsPerSecond;
    private final List<ChannelNotes> channels = new ArrayList<>();
    private double start = Double.NEGATIVE_INFINITY;
    private long invalid;
    private long dropped;

    /** @param tokenizer its id */
    YourMt3Assembly(String tokenizer, int stepsPerSecond) {
        this.tokenizer = tokenizer;
        this.stepsPerSecond = stepsPerSecond;
    }

    /**
     * {@inheritDoc}
     *
     * @throws LuthierException for an event that has no meaning, as the reference does, and for a segment with other channels than the
     *     one before
     */
    @Override
    public List<Note> accept(SegmentEvents segment) {
        if (segment.start() < start) {
            throw new IllegalArgumentException("segment at " + segment.start() + " s after one at " + start + " s");
        }
        int count = segment.channels().size();
        if (start == Double.NEGATIVE_INFINITY) {
            segment.channels().forEach(channel -> channels.add(new ChannelNotes()));
        } else if (count != channels.size()) {
            throw new LuthierException("the segment at " + segment.start() + " s has " + count
                    + " channels of events, those before it " + channels.size() + "; a model that does that is broken");
        }
        start = segment.start();
        for (int channel = 0; channel < count; channel++) {
            List<Event> events = segment.channels().get(channel);
            check(events, channel);
            SegmentReading reading = new SegmentReading(start, events, stepsPerSecond);
            count(events, reading.faults());
            channels.get(channel).add(start, reading);
        }
        return List.of();
    }

    private void check(List<Event> events, int channel) {
        for (Event event : events) {
            if (event.type().equals("invalid")) {
                throw new LuthierException("cannot make notes of the segment at " + start + " s, channel " + channel
                        + ": id " + event.value() + " is none of tokenizer " + tokenizer
                        + ", where the reference stops too; is this the checkpoint that the tokenizer belongs to?"
                        + " --decoder grammar chooses none of those ids");
            }
        }
    }

    private void count(List<Event> events, Faults faults) {
        if (faults.count(Fault.NO_TIE) > 0) {
            dropped += events.stream()
                    .filter(event -> !event.type().equals("special"))
                    .count();
        } else {
            faults.counts().values().forEach(each -> invalid += each);
        }
    }

    @Override
    public Assembled finish() {
        List<Note> notes =
                NoteRules.mixed(channels.stream().map(ChannelNotes::finish).toList());
        for (ChannelNotes channel : channels) {
            dropped += channel.faults().count(Fault.NO_ONSET);
        }
        return new Assembled(List.copyOf(notes), invalid, dropped);
    }
}
