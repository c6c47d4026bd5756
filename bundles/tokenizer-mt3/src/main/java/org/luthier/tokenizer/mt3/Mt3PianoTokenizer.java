package org.luthier.tokenizer.mt3;

import org.luthier.api.tokens.Tokenizer;
import org.osgi.service.component.annotations.Component;

/** The piano model of 2021: 127 velocities, a segment has 512 frames (4.096 s) and does not say what still sounds. 1517 ids. */
@Component(service = Tokenizer.class)
public final class Mt3PianoTokenizer extends SegmentTokenizer {
    public Mt3PianoTokenizer() {
        super(new EventCodec("mt3-piano", 127, false), 512);
    }

    @Override
    public String description() {
        return "MT3, one piano with 127 velocities: 1517 ids, segments of 4.096 s without ties.";
    }
}
