import { serve } from './ashore.js';

serve();
