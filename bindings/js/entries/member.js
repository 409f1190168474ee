import { joinAsMember } from './ashore.js';

// What names no pool asks whether the worker has started.
onmessage = ({ data }) => (data.role ? joinAsMember(data) : postMessage('started'));
